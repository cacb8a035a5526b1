package spec

// WhereElse computes x where the mask is not 0 and y elsewhere, from mask, x and y of N elements.
type WhereElse struct{ N int }
