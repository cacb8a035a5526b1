package trainer

import (
	"medusa/internal/field"
	"medusa/model"
)

// checkEvalViews says before training which set cannot be seen in the views of evaluations.
func (c Config) checkEvalViews(data runData, f *faults) {
	views, err := model.ParseViews(c.EvalViews, c.Data.Detail)
	if err != nil { // Validate tells it
		return
	}
	for _, d := range []*items{data.Train, data.Val, data.Test} {
		if d == nil {
			continue
		}
		if err := views.Check(d.Set); err != nil {
			f.add(true, "%s is %s, but %v; without %s each is embedded as it is", field.Name("EvalViews"), c.EvalViews, err, field.Name("EvalViews"))
			return
		}
	}
}
