package sched

// taskList is a ring of tasks that wait, in the order in which they came. It links them
// through their waitStates: first.wait.prev is the last task.
type taskList struct {
	first *Task
	n     int
}

func (l *taskList) push(t *Task) {
	l.n++
	if l.first == nil {
		l.first, t.wait.prev = t, t
	}
	last := l.first.wait.prev
	t.wait.next, t.wait.prev = l.first, last
	last.wait.next, l.first.wait.prev = t, t
}

func (l *taskList) remove(t *Task) {
	l.n--
	w := t.wait
	w.next.wait.prev, w.prev.wait.next = w.prev, w.next
	if l.first == t {
		l.first = w.next
	}
	if l.n == 0 {
		l.first = nil
	}
	w.next, w.prev = nil, nil
}

// shift removes and returns the first task. The list must not be empty.
func (l *taskList) shift() *Task {
	t := l.first
	l.remove(t)
	return t
}

// appendTo appends the tasks to s, until there are so many.
func (l *taskList) appendTo(s []*Task, most int) []*Task {
	for t, n := l.first, l.n; n > 0 && len(s) < most; t, n = t.wait.next, n-1 {
		s = append(s, t)
	}
	return s
}
