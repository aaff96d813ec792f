package actors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// mostUnfinished is how many functions an error lists.
const mostUnfinished = 10

// unfinished lists, for an error, the functions of the caller and its descendants that have
// not returned. It also says how many calls are queued. It is empty if there are none.
func (c *Caller) unfinished() string {
	var u unfinished
	u.addTree(c)
	if more := u.functions - mostUnfinished; more > 0 {
		u.lines = append(u.lines, fmt.Sprintf("%d more functions", more))
	}
	if len(u.lines) == 0 && u.queued == 0 {
		return ""
	}
	if u.queued > 0 {
		u.lines = append(u.lines, fmt.Sprintf("%d queued", u.queued))
	}
	return "; unfinished: " + strings.Join(u.lines, ", ")
}

type unfinished struct {
	lines     []string // of the first functions
	functions int
	queued    int
}

func (u *unfinished) addTree(c *Caller) {
	for _, t := range c.sched.Active() {
		if u.functions++; u.functions <= mostUnfinished {
			u.lines = append(u.lines, t.Work().Name()+" "+t.Progress())
		}
	}
	u.queued += c.sched.Len() + c.uncounted()
	children := c.Children()
	slices.SortFunc(children, func(a, b *Caller) int { return cmp.Compare(a.ID(), b.ID()) })
	for _, child := range children {
		u.addTree(child)
	}
}

// waiting returns how many calls, items and messages wait for a turn of the caller, or for
// a worker.
func (c *Caller) waiting() int {
	n := c.sched.Len() + c.uncounted()
	if p := c.existingWorkers(); p != nil {
		n += p.waiting()
	}
	return n
}
