package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

func longStep() trainer.StepInfo {
	return trainer.StepInfo{
		Step: 123456, Steps: 1000000, Loss: 123.45678, ImagesPerSecond: 123456, ETA: 5 * time.Hour, HasActive: true, ActiveShare: 1,
		MeanPositive: 12.345, MeanNegative: 23.456, EmbeddingNorm: 12.345, WaitShare: 0.5,
	}
}

// A line that is longer than the terminal is wide wraps and cannot be wiped.
func TestLiveLineFitsTheTerminal(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
	for _, columns := range []int{30, 40, 80, 100, 120, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			var out bytes.Buffer
			p := newProgress(&out, true)
			p.columns = func() int { return columns }
			require.NoError(t, p.start(context.Background(), trainer.StartInfo{Steps: 1000000}))
			out.Reset()
			require.NoError(t, p.step(context.Background(), longStep()))
			for _, line := range strings.FieldsFunc(escapes.ReplaceAllString(out.String(), ""), func(r rune) bool { return r == '\r' || r == '\n' }) {
				if strings.TrimSpace(line) != "" {
					assert.Less(t, len([]rune(line)), columns, line)
				}
			}
		})
	}
}

func TestUsualLineSaysEverythingAt80Columns(t *testing.T) {
	i := trainer.StepInfo{Step: 132, Steps: 3000, Loss: 0.1834, ImagesPerSecond: 1683, ETA: 83 * time.Second, HasActive: true,
		ActiveShare: 0.42, MeanPositive: 0.264, MeanNegative: 0.989, EmbeddingNorm: 1}
	assert.Equal(t, "loss 0.1834 1683/s left 1m23s act 42% d+ 0.26 d- 0.99 |e| 1.0", fit(80-14, i))
	assert.Equal(t, "132/3000  loss 0.1834  1683 img/s  left 1m23s  active 42%  d+ 0.264  d- 0.989  |e| 1.00", fit(120-28, i))
	i.ImagesPerSecond, i.ETA = 0, 0
	assert.NotContains(t, fit(120-28, i), "left", "not known at the first step")
}
