package main

import (
	"fmt"
	"io"
)

// printer prints lines. The first one that cannot be written ends the program.
type printer struct {
	w      io.Writer
	end    func()
	failed error
}

func (p *printer) printf(format string, args ...any) {
	if p.failed != nil {
		return
	}
	if _, p.failed = fmt.Fprintf(p.w, format, args...); p.failed != nil {
		p.end()
	}
}
