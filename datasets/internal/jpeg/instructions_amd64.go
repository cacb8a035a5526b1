package jpeg

import "golang.org/x/sys/cpu" // its flags include the system's support

//go:generate sh -c "cd avo && go run ."

// hasAVX2 chooses the assembly; tests switch it off.
var hasAVX2 = cpu.X86.HasAVX2
