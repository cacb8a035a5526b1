package nets

// ResampledPositions is for tests.
var ResampledPositions = resampledPositions

// Nearest is the backbone that a file seems to be of, which reads none of its numbers.
func Nearest(path string) (string, error) {
	l, err := openWeights(path, Config{})
	if err != nil {
		return "", err
	}
	defer l.file.Close()
	return l.nearest(), nil
}

// Prepared is how pictures are prepared for a file of that backbone, whose checksum is sum; it reads none of its numbers.
func Prepared(path, backbone, sum string) (Preparation, error) {
	l, err := openWeights(path, Config{})
	if err != nil {
		return Preparation{}, err
	}
	defer l.file.Close()
	if _, err := l.aim(Config{Backbone: backbone, InChannels: 3, Height: probeSide(backbone), Width: probeSide(backbone)}); err != nil {
		return Preparation{}, err
	}
	if err := l.choose(); err != nil {
		return Preparation{}, err
	}
	return l.beside.preparation.or(l.usual(sum)), nil
}

// PreparedBeside is what the files beside weights at path say.
func PreparedBeside(path string) (p Preparation, eps float64, err error) {
	b, err := readBeside(path)
	return b.preparation, b.eps, err
}
