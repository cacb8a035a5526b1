package loops

// instructionSets stand best first. NEON, which every arm64 processor has, works on vectors of four; its kernels are those of
// AVX2 with two of them for each of eight, so the sizes of tiles and the results are AVX2's.
var instructionSets = []instructionSet{
	{
		name: "neon", supported: true,
		f32: micro[float32]{rows: 6, lanes: 8, table: microNEONF32, indirect: tableNEONF32, turned: turnedNEONF32, strip: stripNEON, each: eachNEON},
		f64: micro[float64]{rows: 4, lanes: 4, table: microNEONF64, indirect: portable[float64]().indirect},
		simd: simd{
			peak: peakNEON, transpose4: transpose4NEON, turn: turnNEON, copyRows: copyRowsNEON, gather: gatherNEON,
			add: addNEON, sub: subNEON, mul: mulNEON, axpy: axpyNEON, affine: affineNEON, mulAffine: mulAffineNEON, addMulAffine: addMulAffineNEON, relu: reluNEON,
			reluGrad: reluGradNEON, addRelu: addReluNEON, normalize: normalizeNEON, normalizeRelu: normalizeReluNEON,
			normalizeGrad: normalizeGradNEON, normalizeReluGrad: normalizeReluGradNEON, sgd: sgdNEON, momentum: momentumNEON,
			nesterov: nesterovNEON, adam: adamNEON, rmsprop: rmspropNEON, exp: expNEON, log: logNEON, sums: true,
			squaresApart: squaresApartNEON, products: productsNEON,
			skipAbove: skipAboveNEON, nonZero: nonZeroNEON, where: whereNEON, expWhere: expWhereNEON, hingeBetween: hingeBetweenNEON, squareBetween: squareBetweenNEON, between: betweenNEON, hinge: hingeNEON, hingeGrad: hingeGradNEON, spanGrad: spanGradNEON,
			div: divNEON, maxOf: maxOfNEON, minOf: minOfNEON, greater: greaterNEON, greaterEqual: greaterEqualNEON,
			same: sameNEON, above: aboveNEON, equals: equalsNEON, clamp: clampNEON, clampGrad: clampGradNEON,
			sqrt: sqrtNEON, sqrtGrad: sqrtGradNEON, squareGrad: squareGradNEON, sigmoid: sigmoidNEON, sigmoidGrad: sigmoidGradNEON,
			softplus: softplusNEON, softplusGrad: softplusGradNEON, apart: apartNEON, apartSquared: apartSquaredNEON, pull: pullNEON,
			pullSquared: pullSquaredNEON,
			dots:        dotsNEON, lengthen: lengthenNEON, byteProducts: byteProductsNEON, fetch: fetchNEON, tileInput: tileInputNEON, tileOutput: tileOutputNEON, tileGrad: tileGradNEON,
			tileFilter: tileFilterNEON, tileProducts: tileProductsNEON, tileWeight: tileWeightNEON, maxPool: maxPoolNEON, maxPoolGrad: maxPoolGradNEON,
			gelu: geluNEON, geluGrad: geluGradNEON, geluTanh: geluTanhNEON, geluTanhGrad: geluTanhGradNEON, swish: swishNEON, swishGrad: swishGradNEON,
			hardSwish: hardSwishNEON, hardSwishGrad: hardSwishGradNEON, layerNorm: layerNormNEON, layerNormParamsGrad: layerNormParamsGradNEON, depthTaps: depthTapsNEON,
		},
	},
	generic,
}
