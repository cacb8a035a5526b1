package nets

// ResampledPositions is for tests.
var ResampledPositions = resampledPositions
