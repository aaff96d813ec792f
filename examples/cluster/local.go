package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// startMembers starts the members of -local, unless ctx ends before they are there.
// The stop that it returns has them leave, and waits for them.
func startMembers(ctx context.Context, o options, etcd string, stderr io.Writer) (stop func(), err error) {
	var children []*child
	stop = func() {
		var all sync.WaitGroup
		for _, c := range children {
			all.Go(c.stop)
		}
		all.Wait()
	}
	for range o.local {
		c, err := startChild(o, etcd)
		if err != nil {
			stop()
			return nil, fmt.Errorf("member: %w", err)
		}
		children = append(children, c)
	}
	defer context.AfterFunc(ctx, func() {
		for _, c := range children {
			_ = c.input.Close()
		}
	})()
	for _, c := range children {
		line, err := c.output.ReadString('\n')
		if err != nil {
			stop()
			return nil, fmt.Errorf("member: it has ended before it was there: %s", strings.TrimSpace(c.errors.String()))
		}
		fmt.Fprintf(stderr, "%s is process %d: kill it, and the others go on\n", strings.TrimSpace(line), c.cmd.Process.Pid)
	}
	return stop, nil
}

// child is a member that ends with this process, or before.
type child struct {
	cmd    *exec.Cmd
	input  io.Closer
	output *bufio.Reader
	errors strings.Builder
}

func startChild(o options, etcd string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(program, "-join", etcd, "-child", fmt.Sprintf("-trace=%v", o.trace))}
	apart(c.cmd)
	c.cmd.Stderr = &c.errors
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.output = bufio.NewReader(output)
	return c, c.cmd.Start()
}

// stop has the member leave. Whether it was killed before does not matter.
func (c *child) stop() {
	_ = c.input.Close()
	_ = c.cmd.Wait()
}
