package inspect_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

func ExampleTake() {
	system := newSystem()
	shop, err := actors.Start(system, props.Name("shop"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := actors.Do(context.Background(), shop, func(context.Context) error { return nil }); err != nil {
		fmt.Println(err)
		return
	}
	s, err := inspect.Take(context.Background(), system)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := s.Caller("callers/shop")
	fmt.Println(c.Name, c.State, c.Counters.Calls)
	fmt.Println(s.Health())
	fmt.Println(shop.StopWait(context.Background()))
	// Output:
	// shop running 1
	// nothing unusual
	// <nil>
}

func ExampleHandler() {
	system := newSystem()
	mux := http.NewServeMux()
	mux.Handle("/debug/callers/", inspect.Handler(system, inspect.TraceURL("http://localhost:16686/trace/%s")))
	server := &http.Server{Addr: "localhost:6060", Handler: mux} //nolint:gosec // It is for this machine.
	defer server.Close()
	// Output:
}
