// Package weights reads files of weights that other programs wrote: safetensors, also in shards; what
// torch.save of PyTorch writes, in either of its containers; the initializers of ONNX. Which of them a file
// is, its first bytes say, not its name.
//
// Open reads what the file says of its tensors, and Tensor.Float32s the numbers of one. Nothing that a file
// says is executed. Each size that it claims is compared with the file before memory is taken for it, and
// what is no file of weights, or none that can be read as it stands, is refused in a sentence that says how
// to get one.
package weights
