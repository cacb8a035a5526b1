package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device/gpu/gputest"
	"medusa/internal/graphtest"
)

// sim is a device whose memory the host cannot touch.
func sim(t testing.TB, log func(string)) *graph.Device {
	t.Helper()
	gputest.Prepare(t)
	d, err := graph.OpenDevice("cuda", graph.DeviceOptions{Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// What the device computes of random expressions is what the CPU computes, in every run:
// in the first two op by op, later as recorded.
func TestDeviceIsTheCPU(t *testing.T) {
	const n, e = 6, 5
	d := sim(t, func(message string) { t.Error(message) }) // all is done on the device, and recorded
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		x, y := graphtest.Random(rng, n, e), []float64{0, 0, 1, 1, 2, 2}
		cpu, onDevice := keptMachine(t, nil, randomExpr(seed), x.Values, y), keptMachine(t, d, randomExpr(seed), x.Values, y)
		for step := range 5 {
			for i := range x.Values {
				v := rng.NormFloat64()
				cpu.x[i], onDevice.x[i] = float32(v), float32(v)
			}
			want, got := cpu.run(t), onDevice.run(t)
			require.InEpsilon(t, want[0], got[0], 1e-4, "seed %d, step %d", seed, step)
			top := 1e-3
			for _, v := range want {
				top = max(top, math.Abs(v))
			}
			for i := range want {
				require.InDelta(t, want[i], got[i], 2e-4*top, "seed %d, step %d, gradient %d", seed, step, i)
			}
		}
		require.NoError(t, cpu.vm.Close())
		require.NoError(t, onDevice.vm.Close())
	}
}

type kept struct {
	x           []float32
	value, grad *graph.Kept
	vm          gorgonia.VM
}

// keptMachine keeps value and gradient of an expression of x (N, E) and labels.
func keptMachine(t *testing.T, d *graph.Device, build graphtest.Build, values, labels []float64) *kept {
	n := len(labels)
	g := gorgonia.NewGraph()
	k := &kept{x: make([]float32, len(values))}
	y := make([]float32, n)
	for i, v := range values {
		k.x[i] = float32(v)
	}
	for i, v := range labels {
		y[i] = float32(v)
	}
	input := func(name string, data []float32, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
	}
	x := input("x", k.x, n, len(values)/n)
	cost, err := build([]graph.Expr{graph.Of(x), graph.Data(input("y", y, n))}).Node()
	require.NoError(t, err)
	grads, err := gorgonia.Grad(cost, x)
	require.NoError(t, err)
	k.value, err = graph.Keep(cost)
	require.NoError(t, err)
	k.grad, err = graph.Keep(grads[0])
	require.NoError(t, err)
	k.vm, err = graph.NewMachineOn(g, d)
	require.NoError(t, err)
	return k
}

func (k *kept) run(t *testing.T) []float64 {
	require.NoError(t, k.vm.RunAll())
	k.vm.Reset()
	out := []float64{k.value.Scalar()}
	for _, v := range k.grad.Float32s() {
		out = append(out, float64(v))
	}
	require.NoError(t, k.grad.Err())
	return out
}

// The tests of the ops hold on a device, too, where their values in float32 are taken from it.
func TestOpsOnDevice(t *testing.T) {
	graphtest.Device = sim(t, nil)
	defer func() { graphtest.Device = nil }()
	for name, test := range map[string]func(*testing.T){
		"BatchNorm": TestBatchNorm, "BatchNormRunning": TestBatchNormRunning, "BatchNormOffset": TestBatchNormOffset,
		"NormConv": TestNormConv, "NormPool": TestNormPool, "NormAdd": TestNormAdd, "Conv2D": TestConv2D,
		"Conv2DOfData": TestConv2DOfData, "Metrics": TestComparisons, "ZeroDistances": TestZeroDistances, "Normalize": TestNormalize,
		"DistanceShortcuts": TestDistanceShortcuts, "Dropout": TestDropout, "DropoutRateZero": TestDropoutRateZero,
		"Gather": TestGather, "ConcatAndSlice": TestConcatAndSlice, "Linear": TestLinear,
		"LinearRelu": TestLinearRelu, "AddRelu": TestAddRelu, "Flatten": TestFlatten, "FirstRunBreaksOff": TestFirstRunBreaksOff,
		"PairMasks": TestPairMasks, "SameLabel": TestSameLabel, "MaskedReductions": TestMaskedReductions,
		"MaskedOutIsInvisible": TestMaskedOutIsInvisible, "ReductionCorners": TestReductionCorners,
		"ReductionOfNaN": TestReductionOfNaN, "Where": TestWhere, "Unary": TestUnary, "UnaryLong": TestUnaryLong,
		"UnaryCorners": TestUnaryCorners, "Binary": TestBinary, "BinaryScalar": TestBinaryScalar, "BinaryOfOne": TestBinaryOfOne,
		"MaxMinTies": TestMaxMinTies, "Compare": TestCompare, "Constant": TestConstant, "Pooling": TestPooling,
		"MaxPoolTies": TestMaxPoolTies, "MaxPoolRelu": TestMaxPoolRelu, "MaxPoolTwice": TestMaxPoolTwice,
		"GlobalAvgPool": TestGlobalAvgPool, "ConvMaxPool": TestConvMaxPool, "SumToAndBroadcast": TestSumToAndBroadcast,
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
		"WhereElse": TestWhereElse, "Values": TestValues,
	} {
		t.Run(name, test)
	}
}

// A closed device says so, whatever it is asked.
func TestClosedDevice(t *testing.T) {
	d := sim(t, nil)
	x := []float32{1, 2}
	require.NoError(t, d.Hold(x))
	g := gorgonia.NewGraph()
	n := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(2), gorgonia.WithValue(tensor.New(tensor.WithShape(2), tensor.WithBacking(x))))
	y, err := graph.Of(n).Square().Node()
	require.NoError(t, err)
	kept, err := graph.Keep(y)
	require.NoError(t, err)
	vm, err := graph.NewMachineOn(g, d)
	require.NoError(t, err)
	require.NoError(t, vm.RunAll())
	require.NoError(t, d.Close())
	require.Equal(t, "cuda:0", d.Name())
	require.Zero(t, d.Allocated())
	require.ErrorContains(t, d.Hold(x), "closed")
	require.Error(t, d.Fetch(x))
	require.Error(t, d.Push(x))
	d.Drop(x)
	_, err = d.Copier([][]float32{x}, [][]float32{x})
	require.ErrorContains(t, err, "closed")
	_, err = graph.NewMachineOn(g, d)
	require.ErrorContains(t, err, "closed")
	vm.Reset()
	require.ErrorContains(t, vm.RunAll(), "closed")
	require.Nil(t, kept.Float32s())
	require.Error(t, kept.Err())
	require.NoError(t, vm.Close())
	require.NoError(t, d.Close())
}
