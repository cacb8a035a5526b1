//go:build !linux || !(amd64 || arm64) || nocuda

package cuda

import "github.com/pkg/errors"

const supported = false

func dlopen(string) (uintptr, error) { return 0, errors.New("no loader in this build") }

func dlsym(uintptr, string) uintptr { return 0 }

func invoke(uintptr, ...uintptr) uintptr { return 0 }

func memoryMap() string { return "" }
