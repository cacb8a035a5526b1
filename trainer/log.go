package trainer

import (
	"context"
	"log/slog"
)

// logTo tells a logger of evaluations and warnings.
func logTo(l *slog.Logger) Hook {
	return Hook{
		Evaluated: func(_ context.Context, i EvalInfo) error {
			l.Info("evaluated", "step", i.Step, "set", i.Set, "phase", i.Phase, i.Metric, i.Value, "best", i.BestValue, "best_step", i.BestStep)
			return nil
		},
		Warned: func(_ context.Context, w Warning) error {
			l.Warn(w.Message, "step", w.Step, "kind", w.Kind, "advice", w.Advice)
			return nil
		},
	}
}
