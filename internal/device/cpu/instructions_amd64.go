package cpu

import xcpu "golang.org/x/sys/cpu" // its flags include the system's support

//go:generate sh -c "cd avo && go run ."

var hasAVX2 = xcpu.X86.HasAVX2 && xcpu.X86.HasFMA

// instructionSets stand best first.
var instructionSets = []instructionSet{
	{
		name: "avx512", supported: hasAVX2 && xcpu.X86.HasAVX512F,
		f32:  micro[float32]{rows: 12, lanes: 16, table: tableOf(microAVX512F32[:]), indirect: tableOf(tableAVX512F32[:])},
		f64:  micro[float64]{rows: 12, lanes: 8, table: tableOf(microAVX512F64[:]), indirect: tableOf(tableAVX512F64[:])},
		simd: simd{transpose4: transpose4AVX2, gather: gatherAVX512, copyRows: copyRowsAVX512},
	},
	{
		name: "avx2", supported: hasAVX2,
		f32:  micro[float32]{rows: 6, lanes: 8, table: tableOf(microAVX2F32[:]), indirect: tableOf(tableAVX2F32[:])},
		f64:  micro[float64]{rows: 6, lanes: 4, table: tableOf(microAVX2F64[:]), indirect: tableOf(tableAVX2F64[:])},
		simd: simd{transpose4: transpose4AVX2, gather: gatherAVX2, copyRows: copyRowsAVX2},
	},
	generic,
}

func tableOf[F any](rows [][2]F) [][]F {
	t := make([][]F, len(rows))
	for i := range rows {
		t[i] = rows[i][:]
	}
	return t
}
