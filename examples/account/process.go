//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// process is a member, which ends with this process or before.
type process struct {
	cmd    *exec.Cmd
	input  io.Closer
	output *bufio.Reader
	errors strings.Builder
}

func startMember(etcd string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	m := &process{cmd: exec.Command(program, "-member", etcd)}
	apart(m.cmd)
	m.cmd.Stderr = &m.errors
	if m.input, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.output = bufio.NewReader(output)
	return m, m.cmd.Start()
}

// end has the member leave.
func (m *process) end() { _ = m.input.Close() }

// thaw has a member that was frozen go on.
func (m *process) thaw() { _ = m.cmd.Process.Signal(syscall.SIGCONT) }

// apart keeps the interrupt of a terminal from a program: who started it stops it.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
