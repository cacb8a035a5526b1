package optim

// Kind is a solver or a schedule that a configuration may name.
type Kind struct {
	Name string
	Doc  string // a line that says what it is
}

// Kinds lists the solvers.
func Kinds() []Kind {
	return []Kind{
		{"adam", "steps by running means of gradient and squared gradient (Kingma and Ba 2015)"},
		{"adamw", "adam with weight decay apart from the gradient (Loshchilov and Hutter 2019)"},
		{"lamb", "adam with each tensor's step scaled to the length of its weights, for large batches (You et al. 2020)"},
		{"lion", "steps of one size by the sign of a running mean gradient (Chen et al. 2023)"},
		{"rmsprop", "steps by the gradient over the root of its running mean square (Tieleman and Hinton 2012)"},
		{"sgd", "stochastic gradient descent, with momentum if it is given (Polyak 1964, Nesterov 1983)"},
	}
}

// ScheduleKinds lists the schedules of the learning rate.
func ScheduleKinds() []Kind {
	return []Kind{
		{"constant", "the rate stays"},
		{"cosine", "the rate falls along half a cosine, to the floor at the end (Loshchilov and Hutter 2017)"},
		{"plateau", "the rate drops when the figures on the validation classes get no better"},
		{"step", "the rate drops every so many steps"},
	}
}

func namesOf(kinds []Kind) (names []string) {
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return names
}
