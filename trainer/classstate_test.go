package trainer

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What losses with weights of classes carry from step to step, scales and means and which classes
// were drawn, is part of the checkpoint: a run broken off becomes what the unbroken one does, to the
// bit.
func TestStateOfClassLossesIsResumed(t *testing.T) {
	for loss, held := range map[string][]string{
		"adacos(share=0.5)": {"loss.scale", "loss.classes.drawn"},
		"curricularface(sub-centers=2, miner=batch-hard)":      {"loss.t"},
		"adaface + 0.1*cosface(share=0.3, classes=all)":        {"loss.0.mean", "loss.0.deviation", "loss.1.classes.drawn"},
		"magface(on=trunk) + 0.1*center + 0.1*soft-triple":     {"loss.0.classifier.weight", "loss.1.centers", "loss.2.centers"},
		"proxy-anchor + 0.5*proxy-nca(classes=batch, scale=4)": {"loss.0.proxies", "loss.1.proxies"},
	} {
		t.Run(loss, func(t *testing.T) {
			cfg := memoryRun(t, loss, "cpu")
			o := Options{NoReport: true, NoEmbeddings: true}
			want := ended(t, start(t, cfg, o))
			for _, name := range held {
				require.Contains(t, want, name)
			}
			o.Dir = filepath.Join(t.TempDir(), "broken")
			breakOff(t, cfg, o, 4)
			tr, err := Resume(load(t, cfg), o)
			require.NoError(t, err)
			require.Equal(t, want, ended(t, tr))

			seldom := cfg
			seldom.LogEvery = 7
			require.Equal(t, want, ended(t, start(t, seldom, Options{NoReport: true, NoEmbeddings: true})), "logging changes nothing")
		})
	}
}
