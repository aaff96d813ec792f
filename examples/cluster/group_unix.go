//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart keeps the interrupt of a terminal from the program: who started it
// stops it, when it has its answers.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
