//go:build unix

package jaeger

import (
	"os/exec"
	"syscall"
)

// apart keeps the interrupt of a terminal from the program: who started it
// stops it, after the last traces.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
