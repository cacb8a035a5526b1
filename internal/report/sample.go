package report

import (
	"cmp"
	"slices"
)

// sampleEvenly picks at most limit of the rows, in rising order: of every class the
// same number, less only where the class has fewer, and these at even steps through the
// class. With more classes than limit, it takes one row each of classes at even steps.
func sampleEvenly(rows []int, labels []int, limit int) []int {
	if len(rows) <= limit {
		return slices.Clone(rows)
	}
	classes := byClass(rows, labels)
	if len(classes) > limit {
		classes = spaced(classes, limit)
	}
	share := evenShare(classes, limit)
	spare := limit
	for _, c := range classes {
		spare -= min(share, len(c))
	}
	picked := make([]int, 0, limit)
	for _, c := range classes {
		take := min(share, len(c))
		if take < len(c) && spare > 0 {
			take++
			spare--
		}
		picked = append(picked, spaced(c, take)...)
	}
	slices.Sort(picked)
	return picked
}

// byClass groups rows by label, classes in rising order of label.
func byClass(rows []int, labels []int) [][]int {
	of := map[int][]int{}
	for _, i := range rows {
		of[labels[i]] = append(of[labels[i]], i)
	}
	classes := make([][]int, 0, len(of))
	for _, c := range of {
		classes = append(classes, c)
	}
	slices.SortFunc(classes, func(a, b []int) int { return cmp.Compare(labels[a[0]], labels[b[0]]) })
	return classes
}

// evenShare is the most rows a class may give so that all together give at most limit.
func evenShare(classes [][]int, limit int) int {
	low, high := 0, limit
	for low < high {
		share, sum := (low+high+1)/2, 0
		for _, c := range classes {
			sum += min(share, len(c))
		}
		if sum <= limit {
			low = share
		} else {
			high = share - 1
		}
	}
	return low
}

// spaced takes n items of s at even steps.
func spaced[T any](s []T, n int) []T {
	picked := make([]T, n)
	for i := range picked {
		picked[i] = s[i*len(s)/n]
	}
	return picked
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
