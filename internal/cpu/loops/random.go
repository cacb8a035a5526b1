package loops

import "math"

// Philox is the generator Philox4x32-10: four words that look random, of a key and the number
// of the draw. It has no state, so that any thread makes any of them.
//
// J. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
func Philox(key [2]uint32, counter [4]uint32) [4]uint32 {
	for range 10 {
		a, b := uint64(0xD2511F53)*uint64(counter[0]), uint64(0xCD9E8D57)*uint64(counter[2])
		counter = [4]uint32{
			uint32(b>>32) ^ counter[1] ^ key[0], uint32(b),
			uint32(a>>32) ^ counter[3] ^ key[1], uint32(a),
		}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}

// Draw says which numbers a run draws: those of a seed, the number of the run, and one of
// several streams.
type Draw struct {
	Seed, Run uint64
	Stream    uint32
}

// Words fills dst with the words from number first on.
func (d Draw) Words(dst []uint32, first int) {
	key := [2]uint32{uint32(d.Seed), uint32(d.Seed >> 32)}
	block := -1
	var four [4]uint32
	for i := range dst {
		if b := (first + i) / 4; b != block {
			block = b
			four = Philox(key, [4]uint32{uint32(b), d.Stream, uint32(d.Run), uint32(d.Run >> 32)})
		}
		dst[i] = four[(first+i)%4]
	}
}

// Uniform is the number in [0, 1) of a word, a multiple of 2⁻²⁴.
func Uniform(word uint32) float64 { return float64(word>>8) * 0x1p-24 }

// Fraction is the number in (0, 1) of a word: the middle of its part of 2³².
func Fraction(word uint32) float64 { return (float64(word) + 0.5) * 0x1p-32 }

// Normal is the number of the standard normal distribution below which a word's fraction of it
// lies, within ±6.4. Each operation is rounded by itself, so that every processor has the same
// bits: a product converted to float64 is never fused with a sum.
//
// M. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied
// Statistics 37, 1988 (PPND16; its branch for r > 5 is beyond 32 bits).
func Normal(word uint32) float64 {
	q := (float64(word) - 2147483647.5) * 0x1p-32
	if math.Abs(q) <= 0.425 {
		r := 0.180625 - float64(q*q)
		return q * horner(r, &normalMiddle[0]) / horner(r, &normalMiddle[1])
	}
	p := Fraction(word)
	if q > 0 {
		p = 1 - p
	}
	r := math.Sqrt(-logarithm(p)) - 1.6
	x := horner(r, &normalTail[0]) / horner(r, &normalTail[1])
	if q < 0 {
		return -x
	}
	return x
}

func horner(x float64, c *[8]float64) float64 {
	y := c[7]
	for i := 6; i >= 0; i-- {
		y = float64(y*x) + c[i]
	}
	return y
}

// The coefficients of numerator and denominator, from that of x⁰ on.
var (
	normalMiddle = [2][8]float64{
		{
			3.3871328727963666080, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
			4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3,
		},
		{
			1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
			2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3,
		},
	}
	normalTail = [2][8]float64{
		{
			1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
			1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
		},
		{
			1, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
			1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
		},
	}
)

// logarithm is ln x of a normal number above 0, rounded operation by operation: the series of
// ln m = 2·artanh((m − 1)/(m + 1)) for x = m·2ᵉ, √½ ≤ m < √2.
func logarithm(x float64) float64 {
	bits := math.Float64bits(x)
	e := float64(int(bits>>52) - 1022)
	m := math.Float64frombits(bits&(1<<52-1) | 1022<<52)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	s := (m - 1) / (m + 1)
	z := float64(s * s)
	y := 1.0 / 21
	for k := 19; k >= 1; k -= 2 {
		y = float64(y*z) + 1/float64(k)
	}
	return float64(2*float64(s*y)) + float64(e*math.Ln2)
}

// ChoiceParts is into how many parts a row is cut for Choose.
const ChoiceParts = 256

// Choose draws columns of a row of weights, which are finite and not below 0: one for each
// word, with a probability that goes by its weight; −1 where all weights are 0. Sums are made in
// float64 and in one order: within each of ChoiceParts parts, then over these.
func Choose[T Float](dst []T, weights []T, words []uint32, sums *[ChoiceParts]float64) {
	ChoiceSums(weights, sums)
	ChooseBySums(dst, weights, words, sums)
}

// ChoiceSums is what the weights add up to, to the end of each part.
func ChoiceSums[T Float](weights []T, sums *[ChoiceParts]float64) {
	width := (len(weights) + ChoiceParts - 1) / ChoiceParts
	total := 0.0
	for p := range sums {
		part := 0.0
		for _, w := range weights[min(p*width, len(weights)):min((p+1)*width, len(weights))] {
			part += float64(w)
		}
		total += part
		sums[p] = total
	}
}

// ChooseBySums is Choose of a row whose ChoiceSums are known.
func ChooseBySums[T Float](dst []T, weights []T, words []uint32, sums *[ChoiceParts]float64) {
	width := (len(weights) + ChoiceParts - 1) / ChoiceParts
	for k, word := range words {
		dst[k] = T(choice(weights, Fraction(word)*sums[ChoiceParts-1], width, sums))
	}
}

// choice is the first column up to which the weights sum up to more than target; −1 if none
// does. It never has the weight 0.
func choice[T Float](weights []T, target float64, width int, sums *[ChoiceParts]float64) int {
	p, before := 0, 0.0
	for ; p < ChoiceParts && !(sums[p] > target); p++ {
		before = sums[p]
	}
	last := -1 // what counts if sums are rounded otherwise than within the part
	if p == ChoiceParts {
		return last
	}
	sum := 0.0
	for j := p * width; j < min((p+1)*width, len(weights)); j++ {
		w := float64(weights[j])
		if w == 0 {
			continue
		}
		last = j
		if sum += w; before+sum > target {
			break
		}
	}
	return last
}
