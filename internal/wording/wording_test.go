package wording

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 13180: "13,180", 1234567: "1,234,567", -100: "-100", -1000: "-1,000"} {
		assert.Equal(t, want, Thousands(n))
	}
}

func TestNumbersAgreeWithTheirNouns(t *testing.T) {
	assert.Equal(t, []string{"0 classes", "1 class", "2 classes", "1 step", "7,080 pictures"},
		[]string{Number(0, "classes"), Number(1, "classes"), Number(2, "classes"), Number(1, "steps"), Number(7080, "pictures")})
	assert.Equal(t, []string{"images/s", "images/s", "vectors/s"}, []string{PerSecond(""), PerSecond("pictures"), PerSecond("vectors")})
}

func TestNames(t *testing.T) {
	assert.Equal(t, "Recall@4", Measure("recall_at_4"))
	assert.Equal(t, "MAP@R", Measure("map_at_r"))
	assert.Equal(t, "CMC@5", Measure("cmc_at_5"))
	assert.Equal(t, "mAP re-id", Measure("cmc_map"))
	assert.Equal(t, "something_new", Measure("something_new"))
	assert.Equal(t, []string{"grey", "RGB", "4 channels"}, []string{Channels(1), Channels(3), Channels(4)})
	assert.Equal(t, "3 MiB", MiB(3<<20))
	for bytes, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 10 << 10: "10 KiB", 3<<20 + 1<<19: "3.5 MiB", 1 << 62: "4194304 TiB"} {
		assert.Equal(t, want, Size(bytes))
	}
}
