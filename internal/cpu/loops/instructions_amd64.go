package loops

import xcpu "golang.org/x/sys/cpu" // its flags include the system's support

//go:generate sh -c "cd avo && go run ."

var hasAVX2 = xcpu.X86.HasAVX2 && xcpu.X86.HasFMA

// productsOfFloat64 has the tiles of the Go loops, which read A through tables for it, too: nothing
// trains in float64.
var productsOfFloat64 = micro[float64]{rows: 4, lanes: 4, table: microAVX2F64, indirect: portable[float64]().indirect}

// instructionSets stand best first.
var instructionSets = []instructionSet{
	{
		name: "avx512", supported: hasAVX2 && xcpu.X86.HasAVX512F,
		f32: micro[float32]{rows: 12, lanes: 16, table: microAVX512F32, indirect: tableAVX512F32, turned: turnedAVX2F32, strip: stripAVX512, each: eachAVX512},
		f64: productsOfFloat64,
		simd: simd{
			peak: peakAVX512, transpose4: transpose4AVX2, turn: turnAVX512, turnHalf: turnAVX2, copyRows: copyRowsAVX512, gather: gatherAVX512,
			add: addAVX512, sub: subAVX512, mul: mulAVX512, axpy: axpyAVX512, affine: affineAVX512, mulAffine: mulAffineAVX512, addMulAffine: addMulAffineAVX512, relu: reluAVX512,
			reluGrad: reluGradAVX512, addRelu: addReluAVX512, normalize: normalizeAVX512, normalizeRelu: normalizeReluAVX512,
			normalizeGrad: normalizeGradAVX512, normalizeReluGrad: normalizeReluGradAVX512, sgd: sgdAVX512,
			momentum: momentumAVX512, nesterov: nesterovAVX512, adam: adamAVX512, rmsprop: rmspropAVX512,
			exp: expAVX512, log: logAVX512, sums: true, wide: true,
			squaresApart: squaresApartAVX2, products: productsAVX2,
			skipAbove: skipAboveAVX512, nonZero: nonZeroAVX2, where: whereAVX512, expWhere: expWhereAVX512, hingeBetween: hingeBetweenAVX512, squareBetween: squareBetweenAVX512, between: betweenAVX512, hinge: hingeAVX512, hingeGrad: hingeGradAVX512, spanGrad: spanGradAVX512,
			div: divAVX512, maxOf: maxOfAVX512, minOf: minOfAVX512, greater: greaterAVX512, greaterEqual: greaterEqualAVX512,
			same: sameAVX512, above: aboveAVX512, equals: equalsAVX512, clamp: clampAVX512, clampGrad: clampGradAVX512,
			sqrt: sqrtAVX512, sqrtGrad: sqrtGradAVX512, squareGrad: squareGradAVX512, sigmoid: sigmoidAVX512, sigmoidGrad: sigmoidGradAVX512,
			softplus: softplusAVX512, softplusGrad: softplusGradAVX512, apart: apartAVX512, apartSquared: apartSquaredAVX512, pull: pullAVX512,
			pullSquared: pullSquaredAVX512,
			dots:        dotsAVX512, lengthen: lengthenAVX2, byteProducts: byteProductsAVX2, fetch: fetchAVX2, tileInput: tileInputAVX512, tileOutput: tileOutputAVX512, tileGrad: tileGradAVX512,
			tileFilter: tileFilterAVX512, tileProducts: tileProductsAVX512, tileWeight: tileWeightAVX512, maxPool: maxPoolAVX2, maxPoolGrad: maxPoolGradAVX2,
			gelu: geluAVX512, geluGrad: geluGradAVX512, geluTanh: geluTanhAVX512, geluTanhGrad: geluTanhGradAVX512, swish: swishAVX512, swishGrad: swishGradAVX512,
			hardSwish: hardSwishAVX512, hardSwishGrad: hardSwishGradAVX512, layerNorm: layerNormAVX512, layerNormParamsGrad: layerNormParamsGradAVX512, depthTaps: depthTapsAVX512,
		},
	},
	{
		name: "avx2", supported: hasAVX2,
		f32: micro[float32]{rows: 6, lanes: 8, table: microAVX2F32, indirect: tableAVX2F32, turned: turnedAVX2F32, strip: stripAVX2, each: eachAVX2},
		f64: productsOfFloat64,
		simd: simd{
			peak: peakAVX2, transpose4: transpose4AVX2, turn: turnAVX2, copyRows: copyRowsAVX2, gather: gatherAVX2,
			add: addAVX2, sub: subAVX2, mul: mulAVX2, axpy: axpyAVX2, affine: affineAVX2, mulAffine: mulAffineAVX2, addMulAffine: addMulAffineAVX2, relu: reluAVX2,
			reluGrad: reluGradAVX2, addRelu: addReluAVX2, normalize: normalizeAVX2, normalizeRelu: normalizeReluAVX2,
			normalizeGrad: normalizeGradAVX2, normalizeReluGrad: normalizeReluGradAVX2, sgd: sgdAVX2, momentum: momentumAVX2,
			nesterov: nesterovAVX2, adam: adamAVX2, rmsprop: rmspropAVX2, exp: expAVX2, log: logAVX2, sums: true,
			squaresApart: squaresApartAVX2, products: productsAVX2,
			skipAbove: skipAboveAVX2, nonZero: nonZeroAVX2, where: whereAVX2, expWhere: expWhereAVX2, hingeBetween: hingeBetweenAVX2, squareBetween: squareBetweenAVX2, between: betweenAVX2, hinge: hingeAVX2, hingeGrad: hingeGradAVX2, spanGrad: spanGradAVX2,
			div: divAVX2, maxOf: maxOfAVX2, minOf: minOfAVX2, greater: greaterAVX2, greaterEqual: greaterEqualAVX2,
			same: sameAVX2, above: aboveAVX2, equals: equalsAVX2, clamp: clampAVX2, clampGrad: clampGradAVX2,
			sqrt: sqrtAVX2, sqrtGrad: sqrtGradAVX2, squareGrad: squareGradAVX2, sigmoid: sigmoidAVX2, sigmoidGrad: sigmoidGradAVX2,
			softplus: softplusAVX2, softplusGrad: softplusGradAVX2, apart: apartAVX2, apartSquared: apartSquaredAVX2, pull: pullAVX2,
			pullSquared: pullSquaredAVX2,
			shortTile:   shortTileAVX2, shorten: shortenAVX2,
			dots: dotsAVX2, lengthen: lengthenAVX2, byteProducts: byteProductsAVX2, fetch: fetchAVX2, tileInput: tileInputAVX2, tileOutput: tileOutputAVX2, tileGrad: tileGradAVX2,
			tileFilter: tileFilterAVX2, tileProducts: tileProductsAVX2, tileWeight: tileWeightAVX2, maxPool: maxPoolAVX2, maxPoolGrad: maxPoolGradAVX2,
			gelu: geluAVX2, geluGrad: geluGradAVX2, geluTanh: geluTanhAVX2, geluTanhGrad: geluTanhGradAVX2, swish: swishAVX2, swishGrad: swishGradAVX2,
			hardSwish: hardSwishAVX2, hardSwishGrad: hardSwishGradAVX2, layerNorm: layerNormAVX2, layerNormParamsGrad: layerNormParamsGradAVX2, depthTaps: depthTapsAVX2,
		},
	},
	generic,
}
