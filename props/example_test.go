package props_test

import (
	"fmt"
	"time"

	"github.com/seed-7fcaac1b/protocaller/props"
)

func Example() {
	parent, err := props.New(props.Name("gallery"), props.MaxWorkers(4), props.IdleTimeout(10*time.Second))
	fmt.Println(parent.Name, parent.MaxWorkers, parent.IdleTimeout, err)

	// A child inherits what its own options leave open, except for the name.
	child, err := parent.Child(props.MaxWorkers(8))
	fmt.Printf("%q %d %v %v\n", child.Name, child.MaxWorkers, child.IdleTimeout, err)

	_, err = parent.Child(props.MaxWorkers(-1), props.Name("a/b"))
	fmt.Println(err)
	// Output:
	// gallery 4 10s <nil>
	// "" 8 10s <nil>
	// props: MaxWorkers(-1): must not be negative
	// props: Name("a/b"): must not contain "/" nor begin with "$"
}
