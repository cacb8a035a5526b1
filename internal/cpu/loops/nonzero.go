package loops

// NonZero writes the places where x is not 0 to where, NaN among them, and returns how many there are, or false
// once there are more than most. where has room for most places and a vector's, 8 more.
func NonZero(where []int32, x []float32, most int) (count int, few bool) {
	_ = where[:most+8]
	from := 0
	if f := active.simd.nonZero; f != nil && len(x) >= 8 {
		from = len(x) &^ 7
		if count = f(&where[0], &x[0], from, most); count > most {
			return count, false
		}
	}
	for i := from; i < len(x); i++ {
		if x[i] == 0 {
			continue
		}
		if count == most {
			return count + 1, false
		}
		where[count] = int32(i)
		count++
	}
	return count, true
}
