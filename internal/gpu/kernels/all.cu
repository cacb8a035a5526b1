// All kernels, or one of the parts of kernels.go, in which the driver compiles them.
#if !defined(PART) || PART == 0
#include "point.cu"
#include "shape.cu"
#include "norm.cu"
#include "pool.cu"
#include "permute.cu"
#include "layernorm.cu"
#include "depthwise.cu"
#include "rows.cu"
#include "pairs.cu"
#include "triplet.cu"
#include "pairlogsumexp.cu"
#include "bins.cu"
#include "ranks.cu"
#include "group.cu"
#include "chosen.cu"
#include "solver.cu"
#include "picture.cu"
#include "labels.cu"
#include "random.cu"
#endif
#if !defined(PART) || PART > 0
#include "product.cu"
#endif
