package cuda

import (
	"fmt"
	"strconv"
	"strings"
)

// version is a dotted number, such as that of libcublas.so.12.4.5.8, compared part by part.
type version []int

// parseVersion reads 12 or 12.4.5.8. It is strict: anything but digits and single dots
// between them is no version, for file names come from outside.
func parseVersion(s string) (version, bool) {
	const parts, digits = 6, 9
	fields := strings.Split(s, ".")
	if len(fields) > parts {
		return nil, false
	}
	v := make(version, len(fields))
	for i, f := range fields {
		if f == "" || len(f) > digits || strings.Trim(f, "0123456789") != "" {
			return nil, false
		}
		v[i], _ = strconv.Atoi(f) // nine digits fit
	}
	return v, true
}

func (v version) String() string {
	fields := make([]string, len(v))
	for i, n := range v {
		fields[i] = strconv.Itoa(n)
	}
	return strings.Join(fields, ".")
}

// compare is negative if v is older than w. 12 is older than 12.0: the longer name is the
// file itself and not a link to it.
func (v version) compare(w version) int {
	for i := range min(len(v), len(w)) {
		if v[i] != w[i] {
			return v[i] - w[i]
		}
	}
	return len(v) - len(w)
}

// libraryVersion is what follows base.so. in a file name: 12.4 for libcublas.so.12.4.
func libraryVersion(base, file string) (version, bool) {
	rest, ok := strings.CutPrefix(file, base+".so.")
	if !ok {
		return nil, false
	}
	return parseVersion(rest)
}

// folderVersion is the version in the name of a folder such as cuda-12.4; a plain cuda is
// newer than all of them, because it is what the administrator chose.
func folderVersion(folder string) version {
	_, rest, ok := strings.Cut(folder, "-")
	if !ok {
		return version{1 << 30}
	}
	v, _ := parseVersion(rest)
	return v
}

// cudaVersion is 12.4 for the driver's 12040.
func cudaVersion(n int) string { return fmt.Sprintf("%d.%d", n/1000, n%1000/10) }

// dnnVersion is 9.13.1 for cuDNN's 91301, and 8.9.7 for 8907 of before version 9.
func dnnVersion(n int) string {
	if n < 10000 {
		return fmt.Sprintf("%d.%d.%d", n/1000, n%1000/100, n%100)
	}
	return fmt.Sprintf("%d.%d.%d", n/10000, n%10000/100, n%100)
}
