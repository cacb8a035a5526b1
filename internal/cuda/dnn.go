package cuda

import (
	"runtime"
)

// Functions of cuDNN 9. Those of convolution are of its legacy interface: deprecated since
// version 9, still exported by libcudnn.so.9 (documented for libcudnn_cnn up to 9.18).
const (
	dnnGetVersion = iota
	dnnGetErrorString
	dnnCreate
	dnnDestroy
	dnnSetStream
	dnnCreateTensor
	dnnDestroyTensor
	dnnSetTensor4d
	dnnCreateFilter
	dnnDestroyFilter
	dnnSetFilter4d
	dnnCreateConvolution
	dnnDestroyConvolution
	dnnSetConvolution2d
	dnnSetConvolutionMath
	dnnSetConvolutionGroups
	dnnForwardAlgorithm
	dnnForwardWorkspace
	dnnForward
	dnnDataAlgorithm
	dnnDataWorkspace
	dnnData
	dnnFilterAlgorithm
	dnnFilterWorkspace
	dnnFilter
)

var dnnFunctions = []string{
	dnnGetVersion:           "cudnnGetVersion",
	dnnGetErrorString:       "cudnnGetErrorString",
	dnnCreate:               "cudnnCreate",
	dnnDestroy:              "cudnnDestroy",
	dnnSetStream:            "cudnnSetStream",
	dnnCreateTensor:         "cudnnCreateTensorDescriptor",
	dnnDestroyTensor:        "cudnnDestroyTensorDescriptor",
	dnnSetTensor4d:          "cudnnSetTensor4dDescriptor",
	dnnCreateFilter:         "cudnnCreateFilterDescriptor",
	dnnDestroyFilter:        "cudnnDestroyFilterDescriptor",
	dnnSetFilter4d:          "cudnnSetFilter4dDescriptor",
	dnnCreateConvolution:    "cudnnCreateConvolutionDescriptor",
	dnnDestroyConvolution:   "cudnnDestroyConvolutionDescriptor",
	dnnSetConvolution2d:     "cudnnSetConvolution2dDescriptor",
	dnnSetConvolutionMath:   "cudnnSetConvolutionMathType",
	dnnSetConvolutionGroups: "cudnnSetConvolutionGroupCount",
	dnnForwardAlgorithm:     "cudnnGetConvolutionForwardAlgorithm_v7",
	dnnForwardWorkspace:     "cudnnGetConvolutionForwardWorkspaceSize",
	dnnForward:              "cudnnConvolutionForward",
	dnnDataAlgorithm:        "cudnnGetConvolutionBackwardDataAlgorithm_v7",
	dnnDataWorkspace:        "cudnnGetConvolutionBackwardDataWorkspaceSize",
	dnnData:                 "cudnnConvolutionBackwardData",
	dnnFilterAlgorithm:      "cudnnGetConvolutionBackwardFilterAlgorithm_v7",
	dnnFilterWorkspace:      "cudnnGetConvolutionBackwardFilterWorkspaceSize",
	dnnFilter:               "cudnnConvolutionBackwardFilter",
}

// Numbers of cudnn_graph.h, cudnn_ops.h and cudnn_cnn.h.
const (
	dnnFloat         = 0 // CUDNN_DATA_FLOAT
	dnnNCHW          = 0 // CUDNN_TENSOR_NCHW
	dnnNHWC          = 1 // CUDNN_TENSOR_NHWC
	dnnCorrelation   = 1 // CUDNN_CROSS_CORRELATION: what networks call convolution
	dnnMathDefault   = 0 // CUDNN_DEFAULT_MATH: TF32 on GPUs that have it
	dnnMathFMA       = 3 // CUDNN_FMA_MATH: float32 throughout
	dnnDeterministic = 1
)

// loadDNN finds and loads cuDNN, once.
func (d *Driver) loadDNN() (*table, error) {
	d.dnn.Do(func() {
		handle, path, err := d.finder.find(dnnLibrary)
		if err != nil {
			d.dnn.err = err
			return
		}
		t := newTable(handle, path, dnnFunctions)
		if t.has(dnnGetVersion) {
			t.version = dnnVersion(int(t.call(dnnGetVersion)))
		}
		d.dnn.table = t
	})
	return d.dnn.table, d.dnn.err
}

// DNN is a handle of cuDNN: convolutions, put on one stream.
type DNN struct {
	ctx    *Context
	table  *table
	handle uintptr

	alpha, beta float32 // of the call: read by address while it lasts
}

// NewDNN loads cuDNN if that was not done before, and makes a handle whose work goes on s. It
// fails with a *LibraryError where there is no cuDNN, which nothing needs.
func (c *Context) NewDNN(s *Stream) (*DNN, error) {
	t, err := c.driver.loadDNN()
	if err != nil {
		return nil, err
	}
	d := &DNN{ctx: c, table: t}
	if err := d.call(dnnCreate, heap(&d.handle)); err != nil {
		return nil, err
	}
	if err := d.SetStream(s); err != nil {
		_ = d.Close() // the first error counts
		return nil, err
	}
	return d, nil
}

// call keeps d alive, and with it alpha and beta: a DNN is on the heap.
func (d *DNN) call(f int, args ...uintptr) error {
	err := d.ctx.foreign(d.table, d.status, f, args...)
	runtime.KeepAlive(d)
	return err
}

func (d *DNN) status(code int32) string {
	if s := d.table.text(dnnGetErrorString, uintptr(code)); s != "" {
		return s
	}
	return "cuDNN status"
}

func (d *DNN) open() error {
	if d == nil || d.handle == 0 {
		return errClosed("handle of cuDNN")
	}
	return nil
}

// Close destroys the handle.
func (d *DNN) Close() error {
	if d == nil || d.handle == 0 {
		return nil
	}
	h := d.handle
	d.handle = 0
	return d.call(dnnDestroy, h)
}

// Path is the file of cuDNN.
func (d *DNN) Path() string { return d.table.path }

// Version is such as 9.13.1.
func (d *DNN) Version() string { return d.table.version }

// SetStream sends later work to s.
func (d *DNN) SetStream(s *Stream) error {
	if err := firstOf(d.open(), s.open()); err != nil {
		return err
	}
	return d.call(dnnSetStream, d.handle, s.handle)
}
