package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
)

// hardware says where and with what the figures were made.
type hardware struct {
	When         time.Time  `json:"when"`
	Processor    string     `json:"processor"`
	Processors   int        `json:"processors"`
	Load         string     `json:"load_before,omitempty"` // of the last minute, before the first measurement
	Go           string     `json:"go"`
	Instructions string     `json:"instructions"`        // that our kernels use
	GPU          string     `json:"gpu,omitempty"`       // cuda or cuda:N; empty: the CPU computes
	AnyOrder     bool       `json:"any_order,omitempty"` // our side may make sums in any order there
	CUDA         []string   `json:"cuda,omitempty"`      // driver, libraries and GPUs that our side finds
	Torch        *torchInfo `json:"torch,omitempty"`
	NoTorch      string     `json:"no_torch,omitempty"` // why there is none
	Runtimes     *runtimes  `json:"runtimes,omitempty"`
	Repeat       int        `json:"repeat"`
	Seconds      float64    `json:"seconds"`
}

func thisMachine(gpu string) hardware {
	m := hardware{When: time.Now().UTC(), Processor: processor(), Processors: runtime.NumCPU(), Load: load(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}
	m.Instructions, _ = loops.Instructions()
	if m.GPU = gpu; gpu != "" {
		m.CUDA = cudaLibraries()
	}
	return m
}

func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// lines are the machine in words.
func (m hardware) lines() []string {
	out := []string{fmt.Sprintf("%s, %d processors, load before the start %s", m.Processor, m.Processors, m.Load),
		fmt.Sprintf("Medusa: %s, instruction set %s", m.Go, m.Instructions)}
	if m.GPU != "" {
		sums := "equal seeds give equal bits"
		if m.AnyOrder {
			sums = "sums in any order"
		}
		out[1] = fmt.Sprintf("Medusa: %s, device %s, %s", m.Go, m.GPU, sums)
		out = append(out, m.CUDA...)
	}
	out = append(out, m.Runtimes.lines()...)
	if m.Torch == nil {
		return append(out, "without PyTorch: "+m.NoTorch)
	}
	library := "not installed"
	if m.Torch.Library != "" {
		library = m.Torch.Library
	}
	if m.GPU != "" {
		compile := "with"
		if !m.Torch.Compile {
			compile = "without"
		}
		return append(out, fmt.Sprintf("PyTorch %s (Python %s), CUDA %s, cuDNN %s, on %s, %s torch.compile, pytorch-metric-learning %s",
			m.Torch.Torch, m.Torch.Python, m.Torch.CUDA, m.Torch.CuDNN, m.Torch.Card, compile, library))
	}
	out = append(out, fmt.Sprintf("PyTorch %s (Python %s, own kernels for %s, matrix products by %s), pytorch-metric-learning %s",
		m.Torch.Torch, m.Torch.Python, m.Torch.Vectors, m.Torch.BLAS, library))
	if m.Torch.Slow {
		out = append(out, "NOT FAIR: this PyTorch multiplies matrices with the reference BLAS, which nobody would train with; "+
			"install a fast one (Debian: apt-get install libopenblas0-pthread) and run again")
	}
	return out
}

// report is everything that was measured, as it is stored.
type report struct {
	Machine hardware    `json:"machine"`
	Rows    []row       `json:"rows"`
	Raw     []rawResult `json:"raw"`
}

type rawResult struct {
	Workload string                `json:"workload"`
	Threads  int                   `json:"threads,omitempty"` // 0 on a GPU
	Rounds   map[string][]measured `json:"rounds"`
}

func newReport(m hardware, outcomes []outcome, sides []string) report {
	r := report{Machine: m, Rows: tabulate(outcomes, sides)}
	for _, o := range outcomes {
		r.Raw = append(r.Raw, rawResult{Workload: o.workload.name(), Threads: o.threads, Rounds: o.rounds})
	}
	return r
}

const legend = "Times are medians over the rounds, %d of them, in brackets least and greatest round; ratio is the rival's figure ÷ Medusa's " +
	"in each round, its median, least and greatest; cores is CPU time ÷ wall time of Medusa and of the rival."

const gpuLegend = "Times are medians over the rounds, %d of them, in brackets least and greatest round; ÷ is PyTorch's time ÷ Medusa's in each " +
	"round, its median, least and greatest. One time is a training step (forward, loss, backward, Adam) or a loss and its gradient to the " +
	"embeddings, which stay on the GPU. In a step both sides copy the batch's pictures and labels from the host's memory to the GPU, PyTorch " +
	"from pinned memory; resident: they stay there. Steps follow each other without a wait up to the end of a block of them, but that " +
	"Medusa looks at the loss and at whether all is finite, two steps late; PyTorch is not asked to. pytorch is eager, with the fastest layout and form of " +
	"Adam; best is the fastest of CUDA graphs of the whole step and torch.compile. TF32: off or on for all sides. Targets are " +
	"set against eager PyTorch; where there are two answers, the second is against pytorch-metric-learning. Memory of the GPU is what Medusa has taken, " +
	"and torch.cuda.max_memory_allocated of the others."

func (r report) legend() string {
	if r.Machine.GPU != "" {
		return fmt.Sprintf(gpuLegend, r.Machine.Repeat)
	}
	return fmt.Sprintf(legend, r.Machine.Repeat)
}

func (r report) table() table.Writer {
	if r.Machine.GPU != "" {
		return newGPUTable(r.Rows)
	}
	return newTable(r.Rows)
}

func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Medusa and PyTorch on one machine, %s\n\n", r.Machine.When.Format("2006-01-02 15:04 UTC"))
	for _, line := range r.Machine.lines() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	fmt.Fprintf(&b, "\n%s\n\n%s\n", r.legend(), r.table().RenderMarkdown())
	return b.String()
}

// write puts the report into dir, as Markdown and as JSON, and returns the paths.
func (r report) write(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, errors.Wrap(err, "-out")
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, errors.Wrap(err, "the report")
	}
	paths := []string{filepath.Join(dir, "comparison.md"), filepath.Join(dir, "comparison.json")}
	for i, content := range [][]byte{[]byte(r.markdown()), append(text, '\n')} {
		if err := os.WriteFile(paths[i], content, 0o644); err != nil {
			return nil, errors.Wrap(err, "-out")
		}
	}
	return paths, nil
}
