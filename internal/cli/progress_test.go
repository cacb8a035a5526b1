package cli

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/terminal"
	"medusa/trainer"
)

func longStep() trainer.StepInfo {
	return trainer.StepInfo{
		Step: 123456, Steps: 1000000, Loss: 123.45678, ImagesPerSecond: 123456, ETA: 5 * time.Hour, HasActive: true, ActiveShare: 1,
		HasSpread: true, MeanPositive: 12.345, MeanNegative: 23.456, EmbeddingNorm: 12.345, WaitShare: 0.5,
	}
}

// A line that is longer than the terminal is wide wraps and cannot be wiped.
func TestLiveLineFitsTheTerminal(t *testing.T) {
	for _, columns := range []string{"30", "40", "80", "100", "120", "200"} {
		t.Setenv("COLUMNS", columns)
		width, err := strconv.Atoi(columns)
		require.NoError(t, err)
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			p := newProgress(terminal.New(&out, true))
			require.NoError(t, p.step(context.Background(), longStep()))
			time.Sleep(time.Second)
			p.close()
			seen := 0
			for _, line := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
				if strings.TrimSpace(line) != "" {
					seen++
					assert.Less(t, len([]rune(line)), width, line)
				}
			}
			assert.NotZero(t, seen)
		})
	}
}

// A slow step, a slow evaluation: whatever a run does, the person in front of it sees it.
func TestRunIsNeverSilent(t *testing.T) {
	for name, live := range map[string]bool{"terminal": true, "log": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				last, longest := time.Now(), time.Duration(0)
				p := newProgress(terminal.New(writerFunc(func(b []byte) (int, error) {
					longest, last = max(longest, time.Since(last)), time.Now()
					return out.Write(b)
				}), live))
				ctx, h := context.Background(), p.hook()
				require.NoError(t, h.Start(ctx, trainer.StartInfo{Dir: "runs/slow", Steps: 3, Batch: 8}))
				for _, work := range []string{"embedding test pictures", "measuring retrieval", "measuring clustering"} {
					for i := range 8 {
						h.Progress(ctx, trainer.ProgressInfo{Work: work, Done: i, Total: 8})
						time.Sleep(4 * time.Second)
					}
				}
				for i := range 3 {
					time.Sleep(25 * time.Second)
					require.NoError(t, h.Step(ctx, trainer.StepInfo{Step: i + 1, Steps: 3}))
				}
				h.Progress(ctx, trainer.ProgressInfo{Work: "writing the model"})
				time.Sleep(25 * time.Second)
				p.close()
				if live {
					assert.LessOrEqual(t, longest, time.Second)
				} else {
					assert.LessOrEqual(t, longest, 11*time.Second)
				}
				for _, want := range []string{"embedding test pictures", "measuring retrieval", "measuring clustering", "writing the model"} {
					assert.Contains(t, out.String(), want)
				}
			})
		})
	}
}

func TestUsualLineSaysEverythingAt80Columns(t *testing.T) {
	i := trainer.StepInfo{Step: 132, Steps: 3000, Loss: 0.1834, ImagesPerSecond: 1683, ETA: 83 * time.Second, HasActive: true,
		ActiveShare: 0.42, HasSpread: true, MeanPositive: 0.264, MeanNegative: 0.989, EmbeddingNorm: 1}
	assert.Equal(t, "loss 0.1834 1683/s left 1m23s act 42% d+ 0.26 d- 0.99 |e| 1.0", shorten(80-14, i, "pictures"))
	assert.Equal(t, "132/3000  loss 0.1834  1683 img/s  left 1m23s  active 42%  d+ 0.264  d- 0.989  |e| 1.00", shorten(120-28, i, "pictures"))
	assert.Equal(t, "132/3000  loss 0.1834  1683 vectors/s  left 1m23s  active 42%  d+ 0.264  d- 0.989  |e| 1.00", shorten(120-28, i, "vectors"))
	i.ImagesPerSecond, i.ETA = 0, 0
	assert.NotContains(t, shorten(120-28, i, "pictures"), "left", "not known at the first step")
}

// After a resumption nothing of the embeddings is known before the next logged step.
func TestWhatWasNotMeasuredIsNotShown(t *testing.T) {
	i := trainer.StepInfo{Step: 121, Steps: 500, Loss: 0.0177}
	for _, line := range []string{shorten(120, i, "pictures"), shorten(30, i, "pictures")} {
		assert.Contains(t, line, "loss 0.0177")
		for _, not := range []string{"d+", "d-", "|e|", "active"} {
			assert.NotContains(t, line, not)
		}
	}
}

func TestLargeFiguresAreShort(t *testing.T) {
	i := trainer.StepInfo{Step: 1, Steps: 2, Loss: 3.25e12, HasSpread: true, MeanPositive: 1234567, MeanNegative: 999999.5, EmbeddingNorm: 2e9}
	assert.Equal(t, "1/2  loss 3.25e+12  d+ 1.23e+06  d- 999999.500  |e| 2e+09", shorten(120, i, "pictures"))
}

func TestStartAgreesInNumber(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(terminal.New(&out, false))
	require.NoError(t, p.start(context.Background(), trainer.StartInfo{Dir: "runs/a", Items: "vectors", Parameters: 5, Steps: 4, Batch: 1, StepsPerEpoch: 1}))
	assert.Contains(t, out.String(), "4 steps of 1 vector, 1 step an epoch")
}
