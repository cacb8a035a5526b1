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
	// NewCopier makes a function that copies all pairs in one piece of work.
	NewCopier([]Pair) (func() error, error)
	// Fill sets the first n numbers of dst to v.
	Fill(dst Remote, n int, v float32) error
	// Check waits for all work so far and returns what went wrong in it: the first input that
	// a kernel refused, such as a label that is no class, or an error of the device.
	Check() error
	// Allocated is how many bytes of its memory it has taken, given back or not.
	Allocated() int64
	// Record takes what body puts on the device, without doing it.
	Record(body func() error) (Recording, error)
	// NewFeed makes memory for inputs of so many numbers, which are filled anew for every run.
	NewFeed(sizes []int) (Feed, error)
	// NewPictures keeps pictures on the device. Its error is ErrNoRoom if they take too much of its
	// memory.
	NewPictures(PictureSet) (Pictures, error)
	// NewSolver makes a solver for tensors of the device. After each of its steps it moves the Dst of
	// averages towards their Src.
	NewSolver(rule SolverRule, tensors []SolverTensor, averages []Pair) (Solver, error)
	// Close waits and gives everything back.
	Close() error
}

// Pair is memory for N numbers that is copied to another.
type Pair struct {
	Dst, Src Remote
	N        int
}

// Recording is work that is done as a whole, again and again.
type Recording interface {
	Replay() error
	Close() error
}

// ErrNoRoom is the cause of an Accelerator's refusal to keep something: the host must.
var ErrNoRoom = errors.New("no room")

// ErrNoKernel is the cause of an Accelerator's refusal of a spec: the host must do it.
var ErrNoKernel = errors.New("no kernel")

// SolverRule says how a solver steps; the formulas are those of package loops.
type SolverRule struct {
	Name                               string // sgd, adam, adamw, rmsprop, lion or lamb
	Momentum, Beta1, Beta2, Alpha, Eps float64
	Nesterov                           bool
	ClipValue                          float64 // largest size of a number of the gradient; 0 does not clip
}

// SolverTensor is one learned tensor of N numbers: W is moved by the gradient G. First and
// Second are what the rule keeps of the past, nil where it keeps none.
type SolverTensor struct {
	N                   int
	W, G, First, Second Remote
	Decay, Rate         float64     // weight decay; learning rate ÷ that of the step
	Adapt               bool        // lamb: the step is scaled to the length of W
	Rows                *SolverRows // nil where G has N numbers
}

// SolverRows says that a gradient G is (N, Cols), of N rows of W.
type SolverRows struct {
	Indices Remote // (N), the numbers of the rows, each once; below 0 is none
	N, Cols int
	All     bool // the other rows are stepped too, by a gradient of 0
}

// Solver moves the tensors it was made for.
type Solver interface {
	// Step puts one step on the device. Nothing moves if a gradient or the loss is not finite, or a
	// kernel refused an input, nor in any step put on the device after such a one, until its
	// Result. At most two steps may be without a Result.
	Step(SolverStep) error
	// Result waits for the first step without one. Its error is that of Accelerator.Check.
	// After an error or a result that is not finite, steps put on the device since have been
	// dropped, and have no Result.
	Result() (StepResult, error)
}

// SolverStep is a step to be made.
type SolverStep struct {
	Loss    Remote  // one number
	LR      float64 // learning rate
	Clip    float64 // largest norm of the gradients, to which they are scaled; 0 does not clip
	Count   int     // of this step, from 1
	Average float64 // share of the way that averages go
	// Rates and Decays, if not nil, are the tensors' Rates and Decays in this step and from then on.
	Rates, Decays []float64
}

// StepResult is what a step was made of.
type StepResult struct {
	Loss    float64
	Squared float64 // of the gradient's norm
	Broken  []int   // the tensors whose gradient is not finite, if it is so
}

// Feed brings inputs to a device that may still be at work.
type Feed interface {
	// Memory is where input i stands.
	Memory(i int) Remote
	// Put copies all inputs, for the work that is put on the device from then on. They may
	// be changed when it returns.
	Put(src [][]float32) error
	// Close gives the memory back, once no more work that reads it is put on the device.
	Close() error
}
