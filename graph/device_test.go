package graph_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device/gpu/gputest"
	"medusa/internal/graphtest"
	"medusa/machine"
)

// sim is a device whose memory the host cannot touch.
func sim(t testing.TB, log func(string)) *machine.Device {
	t.Helper()
	gputest.Prepare(t)
	d, err := machine.Open("cuda", machine.Options{Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// The tests of the ops hold on a device, too, where their values in float32 are taken from it.
func TestOpsOnDevice(t *testing.T) {
	graphtest.Device = sim(t, nil)
	defer func() { graphtest.Device = nil }()
	for name, test := range map[string]func(*testing.T){
		"BatchNorm": TestBatchNorm, "BatchNormRunning": TestBatchNormRunning, "BatchNormOffset": TestBatchNormOffset,
		"Fusions": TestFusions, "SharedParts": TestSharedParts, "PartOfTwo": TestPartOfTwo, "SharedPartOfAPart": TestSharedPartOfAPart, "Conv2D": TestConv2D,
		"Conv2DOfData": TestConv2DOfData, "Metrics": TestComparisons, "ZeroDistances": TestZeroDistances, "Normalize": TestNormalize,
		"DistanceShortcuts": TestDistanceShortcuts, "Dropout": TestDropout, "DropoutRateZero": TestDropoutRateZero,
		"Gather": TestGather, "ConcatAndSlice": TestConcatAndSlice, "Linear": TestLinear,
		"ReluOfSum": TestReluOfSum, "Flatten": TestFlatten, "FirstRunBreaksOff": TestFirstRunBreaksOff,
		"PairMasks": TestPairMasks, "SameLabel": TestSameLabel, "MaskedReductions": TestMaskedReductions,
		"MaskedOutIsInvisible": TestMaskedOutIsInvisible, "ReductionCorners": TestReductionCorners,
		"ReductionOfNaN": TestReductionOfNaN, "Where": TestWhere, "Unary": TestUnary, "UnaryLong": TestUnaryLong,
		"UnaryCorners": TestUnaryCorners, "Binary": TestBinary, "BinaryScalar": TestBinaryScalar, "BinaryOfOne": TestBinaryOfOne,
		"MaxMinTies": TestMaxMinTies, "Compare": TestCompare, "Constant": TestConstant, "Pooling": TestPooling,
		"MaxPoolTies": TestMaxPoolTies, "MaxPoolTwice": TestMaxPoolTwice,
		"GlobalAvgPool": TestGlobalAvgPool, "SumToAndBroadcast": TestSumToAndBroadcast,
		"Sums": TestSums, "LongSumIsAccurate": TestLongSumIsAccurate, "Transpose": TestTranspose, "MatMul": TestMatMul,
		"LogSoftmaxAgainstFormula": TestLogSoftmaxAgainstFormula, "LogSoftmaxCorners": TestLogSoftmaxCorners,
		"CrossEntropyAgainstFormula": TestCrossEntropyAgainstFormula, "LabelOutOfRange": TestLabelOutOfRange,
		"TripletSumsDifferences": TestTripletSumsDifferences, "TripletCounts": TestTripletCounts, "RowChoices": TestRowChoices,
		"TripletsRefuse": TestTripletsRefuse, "FormulasOverPairsDifferences": TestFormulasOverPairsDifferences,
		"PairMasksBetween": TestPairMasksBetween, "WithinBounds": TestWithinBounds, "LpDistances": TestLpDistances, "LpCorners": TestLpCorners,
		"PairLogSumExpDifferences": TestPairLogSumExpDifferences, "PairLogSumExpOfFarExponents": TestPairLogSumExpOfFarExponents,
		"PairLogSumExpOfInfiniteGradients": TestPairLogSumExpOfInfiniteGradients,
		"PairLogSumExpOfLabels":            TestPairLogSumExpOfLabels, "PairLogSumExpOfABatch": TestPairLogSumExpOfABatch, "PairLogSumExpOfNaN": TestPairLogSumExpOfNaN, "PairLogSumExpRefuses": TestPairLogSumExpRefuses,
		"GroupMax": TestGroupMax, "GroupMaxCorners": TestGroupMaxCorners, "GroupSoftMax": TestGroupSoftMax,
		"GroupSoftMaxOfFarGroups": TestGroupSoftMaxOfFarGroups, "GroupSoftMaxOfNaN": TestGroupSoftMaxOfNaN,
		"RowFirst": TestRowFirst, "LabelFirst": TestLabelFirst, "LabelRanks": TestLabelRanks,
		"PairedSoftmax": TestPairedSoftmax, "PairedSoftmaxOfFarProducts": TestPairedSoftmaxOfFarProducts,
		"PairedSoftmaxOfNaN": TestPairedSoftmaxOfNaN, "PairedSoftmaxRefuses": TestPairedSoftmaxRefuses,
		"ReductionsOfRowsWithNone": TestReductionsOfRowsWithNone, "Iota": TestIota, "Levelled": TestLevelled,
		"Shares": TestShares, "SharesCounted": TestSharesCounted, "SharesChooseNaN": TestSharesChooseNaN, "TripletRules": TestTripletRules,
		"TripletSidesOfABatch": TestTripletSidesOfABatch, "TripletRulesTellOfNaN": TestTripletRulesTellOfNaN, "LabelsAreWholeNumbers": TestLabelsAreWholeNumbers,
		"GoldenOps": TestGoldenOps, "Permute": TestPermute, "BatchMatMul": TestBatchMatMul, "SoftmaxCorners": TestSoftmaxCorners,
		"WhereElse": TestWhereElse, "Values": TestValues, "InverseOfOneLess": TestInverseOfOneLess,
	} {
		t.Run(name, test)
	}
}

// A first run that breaks off leaves the machine usable.
func TestFirstRunBreaksOff(t *testing.T) {
	labels := graphtest.Data([]float64{0, 7}, 2) // 7 is no row of the table
	m, err := graphtest.New(tensor.Float32, func(in []graph.Expr) graph.Expr {
		return graph.Gather(in[0].Scale(2), in[1]).Square().Sum()
	}, graphtest.Of([]float64{1, 2, 3, 4}, 2, 2), labels)
	require.NoError(t, err)
	defer m.Close()
	for range 2 {
		_, _, err = m.Run()
		require.Error(t, err)
	}
	m.Set(1, 1, 1)
	for range 3 {
		value, grads, err := m.Run()
		require.NoError(t, err)
		require.Equal(t, []float64{120}, value, fmt.Sprint(grads))
	}
}
