module medusa

go 1.25.0

require (
	github.com/chewxy/hm v1.0.0
	github.com/pkg/errors v0.9.1
	github.com/stretchr/testify v1.12.1
	// Gorgonia panics at init on Go 1.23 and later with the version that its own go.mod names (gorgonia #523).
	go4.org/unsafe/assume-no-moving-gc v0.0.0-20231121144256-b99613f794b6
	gorgonia.org/gorgonia v0.9.18
	gorgonia.org/tensor v0.9.24
)

require (
	golang.org/x/image v0.45.0
	golang.org/x/text v0.41.0
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
