package cuda

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Report writes what CUDA there is on this machine: the driver, the libraries with path and
// version, and the GPUs; or what was looked for and where, and what to install.
func Report(w io.Writer) { report(w, systemFinder()) }

func report(w io.Writer, f *finder) {
	p := printer{w}
	if !supported {
		p.problem("CUDA", errUnsupported)
		return
	}
	d, err := load(f)
	if err != nil {
		p.problem("driver", err)
		d = &Driver{finder: f} // the libraries are looked for all the same
	} else {
		version := "CUDA " + cudaVersion(d.v)
		if r := d.Release(); r != "" {
			version = r + ", " + version
		}
		p.line("driver", version+"  "+d.Path())
	}
	for _, l := range []struct {
		name string
		load func() (*table, error)
	}{{"cuBLAS", d.loadBLAS}, {"cuDNN", d.loadDNN}} {
		if t, err := l.load(); err != nil {
			p.problem(l.name, err)
		} else {
			p.line(l.name, t.version+"  "+t.path)
		}
	}
	if err == nil {
		p.devices(d)
	}
}

type printer struct{ w io.Writer }

const reportColumn = 9

func (p printer) line(name, text string) { fmt.Fprintf(p.w, "%-*s%s\n", reportColumn, name, text) }

// problem writes a library that is missing as a list of places, and other errors as they are.
func (p printer) problem(name string, err error) {
	var missing *LibraryError
	if !errors.As(err, &missing) {
		p.line(name, strings.TrimPrefix(err.Error(), "cuda: "))
		return
	}
	p.line(name, "not found: "+strings.Join(missing.Names, ", "))
	for _, a := range missing.Tried {
		p.line("", "  "+a.Place+": "+a.Reason)
	}
	p.line("", missing.Install+", or name its folder in "+PathVariable)
}

func (p printer) devices(d *Driver) {
	if err := d.call(fnInit, 0); err != nil {
		p.problem("GPU", err)
		return
	}
	n, err := d.DeviceCount()
	if err != nil {
		p.problem("GPU", err)
		return
	}
	for i := range n {
		name := fmt.Sprintf("GPU %d", i)
		if text, err := describe(d, i); err != nil {
			p.problem(name, err)
		} else {
			p.line(name, text)
		}
	}
}

// describe is a device in one line. It makes a context, which shows that the GPU serves.
func describe(d *Driver, ordinal int) (text string, err error) {
	dev, err := d.Device(ordinal)
	if err != nil {
		return "", err
	}
	name, err := dev.Name()
	if err != nil {
		return "", err
	}
	major, minor, err := dev.Capability()
	if err != nil {
		return "", err
	}
	processors, err := dev.Attribute(Multiprocessors)
	if err != nil {
		return "", err
	}
	c, err := dev.Context()
	if err != nil {
		return "", err
	}
	defer func() {
		if e := c.Close(); err == nil {
			err = e
		}
	}()
	free, total, err := c.MemoryInfo()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, capability %d.%d, %d multiprocessors, %s of memory (%s free)",
		name, major, minor, processors, megabytes(total), megabytes(free)), nil
}
