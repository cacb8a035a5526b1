package trainer

import (
	"context"
	"time"

	"medusa/metrics"
	"medusa/nets"
)

// Hook is told what happens in a run. Every field may be nil. What the run itself does with what
// happens hangs on hooks too, in this order: metrics.jsonl, TensorBoard's events, what the report
// keeps, the checks of the first step and of the run's health, checkpoints. At each point these
// come first, so that a checkpoint knows what was told of; then the log (Options.Logger), then
// those of Options in their order.
//
// An error that a hook returns, other than ErrStop, ends the run with a HookError, after a
// checkpoint, from which Resume goes on, and after the model of the weights so far; the hooks behind
// it are not called. Hooks are called by the goroutine of Run, one after the other; ctx is Run's.
// They may call Embed, Evaluate and Verify of the Trainer, but neither Run nor Close.
type Hook struct {
	// Start comes once, before anything is computed.
	Start func(ctx context.Context, i StartInfo) error
	// BeforeStep comes before every step, of that number from 1. On a device the step before it may
	// be under way.
	BeforeStep func(ctx context.Context, step int) error
	// Step comes after every step. On a device the next one may be under way.
	Step func(ctx context.Context, i StepInfo) error
	// Evaluated comes after every evaluation: first of all of the raw pixels, then before,
	// during and after training. Phase tells them apart. Where several sets are evaluated at one
	// step, it comes once all are, and after the checkpoint of a new best.
	Evaluated func(ctx context.Context, i EvalInfo) error
	// Between comes where steps begin and end: before the first one, and after each with the
	// evaluation that belongs to it. It comes last with a reason to stop, and once more where a
	// hook gives one there.
	Between func(ctx context.Context, i BetweenInfo) error
	// Saved comes after every checkpoint and after the model.
	Saved func(ctx context.Context, i SaveInfo) error
	// Warned comes when a run looks as if it went wrong, such as in a collapse.
	Warned func(ctx context.Context, w Warning) error
	// Ended comes last, when the run folder holds all that a run leaves behind: not in a run that
	// was interrupted, which goes on.
	Ended func(ctx context.Context, r Result) error
	// Progress comes now and then while something goes on that is no step: pictures are
	// embedded or measured, a checkpoint or the model is written. It is for showing; it is
	// called often, should be quick, and must not use the trainer.
	Progress func(ctx context.Context, i ProgressInfo)
}

// ProgressInfo says how far a piece of work is that is no step.
type ProgressInfo struct {
	Work        string // what goes on, such as "embedding test pictures"
	Done, Total int    // of it; Total is 0 where nobody knows how much there is
}

// StartInfo says what is about to run.
type StartInfo struct {
	Dir           string // of the run
	Items         string // what is learned from: pictures, vectors or items
	Step, Steps   int    // Step is above 0 in a resumed run
	Batch         int
	StepsPerEpoch int
	Parameters    int // learned numbers of the network
	LossParams    int // learned numbers of the loss
	Config        Config
	LeftOut       string              // path of the list of what was left out; empty if all was taken
	Fitted        []Fitted            // settings that were not given and suit the data
	Weights       *nets.WeightsReport // what became of Config.Weights; nil without

	// Groups are the parts of the network with their learning rates; nil where Config.FineTune asks for nothing.
	Groups []ParameterGroup
}

// StepInfo is the state after a step.
type StepInfo struct {
	Step, Steps int     // Step counts from 1
	Epoch       float64 // epochs of the sampler so far
	Loss        float64 // of this step's batch, before the step
	LR          float64
	GradNorm    float64 // global norm of the gradient, before clipping

	ImagesPerSecond float64       // over the last seconds of training, without evaluations
	ETA             time.Duration // what is left of training, without evaluations
	WaitShare       float64       // share of the time, 0 … 1, in which the step waited for pictures

	// Logged tells that this step is a line of metrics.jsonl, and that what follows was
	// measured on this step's batch. In between it is what this process measured last: nothing
	// from a resumption to the next logged step.
	Logged        bool
	ActiveShare   float64 // share of pairs or triplets with a gradient, if HasActive
	HasActive     bool    // whether the loss tells its ActiveShare, and it was measured
	HasSpread     bool    // whether the next three were measured
	MeanPositive  float64 // mean distance of two embeddings of one class
	MeanNegative  float64 // mean distance of two embeddings of two classes
	EmbeddingNorm float64 // mean Euclidean length of an embedding
}

// BetweenInfo is where a run stands between two steps.
type BetweenInfo struct {
	Step, Steps int
	Stop        Stop // why the run ends here; empty if it goes on
}

// EvalInfo is the outcome of one evaluation.
type EvalInfo struct {
	Step, Steps int
	Set         string         // SetValidation or SetTest
	Items       string         // what the set holds: pictures, vectors or items
	Phase       Phase          // when
	Result      metrics.Result // figures as fractions
	Embeddings  []float32      // (N, Dim) of the set's pictures; nil for RawPixels
	Dim         int

	Metric    string  // Config.Metric
	Value     float64 // of Metric
	Improved  bool    // on the validation classes: Metric is better than ever before, or equals the best with a better MAP@R
	Leads     bool    // on the validation classes: Improved, or as good as the best in both, and later
	BestValue float64 // of Metric on the validation classes, so far
	BestStep  int     // whose weights lead so far
	Seconds   float64 // that the evaluation took
}

// Phase is when an evaluation takes place.
type Phase string

// The four phases.
const (
	// RawPixels compares the pictures themselves by cosine, once and without clusters:
	// what a network has to beat.
	RawPixels Phase = "pixels"
	Before    Phase = "before" // with the weights as they were initialised
	During    Phase = "during"
	After     Phase = "after" // with the weights that became the model
)

// The names of the sets that a run is measured on.
const (
	SetValidation = "validation"
	SetTest       = "test"
)

// SaveInfo names a file that was written.
type SaveInfo struct {
	Step int
	Path string
	Kind string // last, best or model
}

// Warning is something that a person should look at.
type Warning struct {
	Step    int    `json:"step"`
	Kind    string `json:"kind"`    // what it is about: one of the Kind constants
	Message string `json:"message"` // what was seen
	Advice  string `json:"advice"`  // what to do
}

// The kinds of warnings.
const (
	KindCollapse   = "collapse"   // all pictures are mapped to nearly one point
	KindStuck      = "stuck"      // the loss hardly moves
	KindIdle       = "idle"       // no pair or triplet has a gradient
	KindUnused     = "unused"     // learned tensors that no step reaches
	KindFew        = "few"        // too few validation pictures or classes to tell models apart
	KindCeiling    = "ceiling"    // the metric is at its largest value and cannot tell models apart
	KindConstant   = "constant"   // the metric is the same at every evaluation
	KindUnmeasured = "unmeasured" // there is nothing to measure on
	KindUntrained  = "untrained"  // the model is the untrained network, since training made it worse
)

// Result is the outcome of Run; result.json holds it.
type Result struct {
	Items string `json:"items,omitempty"` // what was learned from: pictures, vectors or items

	// Before and After are measured on the test classes, or where there are none on the
	// validation classes; On says which. Nil if there are neither.
	Before *metrics.Result `json:"before,omitempty"`
	After  *metrics.Result `json:"after,omitempty"`
	// Pixels is measured on the same pictures themselves, by cosine, clusters left out. Nil
	// also in a run that an earlier version began.
	Pixels *metrics.Result `json:"pixels,omitempty"`
	// Verification tells, by set (SetValidation, SetTest), how well a threshold on the
	// distance of the model's embeddings tells whether two pictures are of one class. On
	// the test classes At holds what the thresholds of the validation classes give, those of
	// AtFAR and that of the equal error rate, in this order.
	Verification map[string]metrics.Verification `json:"verification,omitempty"`
	// Pairs tells the same, and the accuracy in cross-validation, of the pairs that a set
	// lists, by set; PairTable shows it.
	Pairs map[string]ListedPairs `json:"pairs,omitempty"`

	// FewShot are the tasks of Config.FewShot, in its order; FewShotTable shows them.
	FewShot []FewShot `json:"few_shot,omitempty"`

	On string `json:"on,omitempty"`
	// Protocol says in a sentence what was measured on what.
	Protocol string `json:"protocol,omitempty"`

	// Weights tells what became of Config.Weights; nil if the run began with random ones.
	Weights *nets.WeightsReport `json:"weights,omitempty"`

	// Given describes what the run was given by value, by the field of Options.
	Given map[string]string `json:"given,omitempty"`

	From *StartModel `json:"from,omitempty"` // the model that the run began with; nil if its weights were new

	Stop      Stop    `json:"stop"`  // why the run ended
	Steps     int     `json:"steps"` // done
	Metric    string  `json:"metric,omitempty"`
	BestValue float64 `json:"best_value,omitempty"` // of Metric on the validation classes
	BestStep  int     `json:"best_step,omitempty"`  // the best by Metric, then MAP@R, then the later step
	Kept      Keep    `json:"kept,omitempty"`       // which weights are the model
	ModelStep int     `json:"model_step"`           // the step that they are of
	FinalLoss float64 `json:"final_loss"`           // of the last step's batch

	ImagesPerSecond float64   `json:"images_per_second"`       // of training, without evaluations
	WaitShare       float64   `json:"wait_share"`              // share of the time in which the step waited for pictures
	Seconds         float64   `json:"seconds"`                 // of this process, from Run's start to the last measurement
	TrainSeconds    float64   `json:"train_seconds,omitempty"` // of Seconds, those in which steps were made; 0 also from earlier versions
	PeakRSS         int64     `json:"peak_rss_bytes"`          // of this process; 0 where the system does not tell
	DeviceMemory    int64     `json:"device_bytes,omitempty"`  // that was taken on the device; 0 on the CPU
	Parameters      int       `json:"parameters"`              // learned numbers of the network
	Seed            uint64    `json:"seed"`
	Device          string    `json:"device"`
	Threads         int       `json:"threads"`
	Warnings        []Warning `json:"warnings,omitempty"`

	Dir        string `json:"-"` // the run folder
	Model      string `json:"-"` // path of the model; empty if there is none yet
	Embeddings string `json:"-"` // path of the measured pictures' embeddings; empty if there are none
	Report     string `json:"-"` // path of the report; empty if there is none
}

// Stop is why a run ended.
type Stop string

// The reasons.
const (
	StopDone        Stop = "done"        // all steps were made
	StopPatience    Stop = "patience"    // Config.Patience evaluations brought nothing better
	StopHook        Stop = "hook"        // a hook returned ErrStop
	StopInterrupted Stop = "interrupted" // the context ended; Resume goes on
)
