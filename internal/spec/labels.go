package spec

// Labels passes N labels on that are whole numbers which their type can tell apart, and
// refuses others: from 2²⁴ on two whole numbers may be one float32, from 2⁵³ on one float64.
type Labels struct{ N int }

// LabelBits is how many bits a label may have in float32.
const LabelBits = 24

// Places passes N numbers of columns on, each one of 0 … Cols−1 or −1 for none, and refuses
// others.
type Places struct{ N, Cols int }
