// Package wording says in words what the command and the report both show.
package wording

import (
	"fmt"
	"strconv"
	"strings"
)

// Thousands writes a number with a comma every three digits.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Number writes how many there are of what plural names, such as 1 class or 7,080 pictures.
func Number(n int, plural string) string {
	if n != 1 {
		return Thousands(n) + " " + plural
	}
	if stem, ok := strings.CutSuffix(plural, "sses"); ok {
		return "1 " + stem + "ss"
	}
	return "1 " + strings.TrimSuffix(plural, "s")
}

// PerSecond is the unit of a speed at which items are learned, which are pictures if items is
// empty.
func PerSecond(items string) string {
	if items == "" || items == "pictures" {
		return "images/s"
	}
	return items + "/s"
}

// Channels names what n channels of a picture are.
func Channels(n int) string {
	switch n {
	case 1:
		return "grey"
	case 3:
		return "RGB"
	}
	return strconv.Itoa(n) + " channels"
}

// MiB writes a number of bytes in whole MiB.
func MiB(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }

// Size writes a number of bytes in the unit that suits it.
func Size(bytes int64) string {
	size, unit := float64(bytes), "bytes"
	for _, larger := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, larger
	}
	if unit == "bytes" || size >= 10 {
		return fmt.Sprintf("%.0f %s", size, unit)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}

var measures = map[string]string{
	"precision_at_1": "Precision@1", "r_precision": "R-precision", "map_at_r": "MAP@R", "map": "MAP", "mrr": "MRR",
	"nmi": "NMI", "ami": "AMI", "ari": "ARI", "pairwise_f1": "pairwise F1", "cmc_map": "mAP re-id",
}

// Measure is a measure as people write it; name is as in result.json.
func Measure(name string) string {
	if k, ok := strings.CutPrefix(name, "recall_at_"); ok {
		return "Recall@" + k
	}
	if k, ok := strings.CutPrefix(name, "cmc_at_"); ok {
		return "CMC@" + k
	}
	if t, ok := measures[name]; ok {
		return t
	}
	return name
}

// Few is the first names of a list, and dots if there are more.
func Few(names []string) string {
	const shown = 10
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + " …"
}
