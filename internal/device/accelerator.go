package device

import "github.com/pkg/errors"

// Remote is memory of an Accelerator, which the host cannot read.
type Remote interface{ Bytes() int }

// Accelerator is a Device with memory of its own, for float32. Its kernels are io.Closers. Work is put on it in the order
// of the calls and done beside the program; what waits says so.
type Accelerator interface {
	Device
	// Alloc is memory for n numbers, until Release or Close; its contents are undefined.
	Alloc(n int) (Remote, error)
	// Release gives memory back: what is put on the device from then on may use it.
	Release(Remote)
	// Upload copies src to the start of dst. src may be changed when it returns.
	Upload(dst Remote, src []float32) error
	// Download copies the start of src to dst and waits for that.
	Download(dst []float32, src Remote) error
	// Copy copies n numbers from the start of src to that of dst.
	Copy(dst, src Remote, n int) error
	// Fill sets the first n numbers of dst to v.
	Fill(dst Remote, n int, v float32) error
	// Check waits for all work so far and returns what went wrong in it: the first input that
	// a kernel refused, such as a label that is no class, or an error of the device.
	Check() error
	// Allocated is how many bytes of its memory it has taken, given back or not.
	Allocated() int64
	// Record takes what body puts on the device, without doing it.
	Record(body func() error) (Recording, error)
	// NewSolver makes a solver for tensors of the device.
	NewSolver(SolverRule, []SolverTensor) (Solver, error)
	// Close waits and gives everything back.
	Close() error
}

// Recording is work that is done as a whole, again and again.
type Recording interface {
	Replay() error
	Close() error
}

// ErrNoKernel is the cause of an Accelerator's refusal of a spec: the host must do it.
var ErrNoKernel = errors.New("no kernel")

// SolverRule says how a solver steps; the formulas are those of package cpu.
type SolverRule struct {
	Name                               string // sgd, adam, adamw or rmsprop
	Momentum, Beta1, Beta2, Alpha, Eps float64
	Nesterov                           bool
}

// SolverTensor is one learned tensor of N numbers: W is moved by the gradient G. First and
// Second are what the rule keeps of the past, nil where it keeps none.
type SolverTensor struct {
	N                   int
	W, G, First, Second Remote
	Decay, Rate         float64 // weight decay; learning rate ÷ that of the step
}

// Solver moves the tensors it was made for.
type Solver interface {
	// Step puts one step on the device, of number count from 1, by the gradients scaled to a
	// norm of at most clip if that is above 0. Nothing moves if a gradient or the loss, one
	// number, is not finite, or a kernel refused an input since the last Check.
	Step(loss Remote, lr, clip float64, count int) error
	// Result waits for the step and returns the loss and the square of the gradient's norm; its
	// error is that of Accelerator.Check.
	Result() (loss, squared float64, err error)
}
