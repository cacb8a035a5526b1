package spec

// Metric names a distance between two rows.
type Metric string

// The metrics of Distance.
const (
	Euclidean        Metric = "euclidean"         // ‖x − y‖
	SquaredEuclidean Metric = "squared euclidean" // ‖x − y‖²
	Manhattan        Metric = "manhattan"         // Σ |x − y|
	SNR              Metric = "snr"               // var(x − y)/max(var(x), 10⁻¹²), x the anchor
	Dot              Metric = "dot"               // ⟨x, y⟩
	Minkowski        Metric = "minkowski"         // (Σ |x − y|ᵖ)^(1/p), the largest |x − y| for p = ∞
)

// Distance computes the distances (N, M) between the rows of x (N, D) and of y (M, D).
// With Self there is one input, y = x. Differences are taken before they are squared,
// so that equal rows have distance exactly 0. In float32 the Euclidean ones and SNR are made of a
// product of matrices where that is as good (see productDistances, snrDistances). A row that holds a
// number that is not finite has no distance: NaN, not ∞, of which a hinge would make 0.
type Distance struct {
	Metric  Metric
	N, M, D int
	Self    bool
	P       float64 // of Minkowski, at least 1
}
