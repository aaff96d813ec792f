// Package actorstest is for the tests of programs with callers: it joins actor
// systems in memory, ends what a test has started, and records what happens.
//
//	network := actorstest.NewNetwork(t)
//	shop, store := network.System("shop"), network.System("store")
//	clerk := actorstest.Start(t, store, props.Name("clerk"))
//	...
//	stock := actors.Request[*Stock](ctx, shop, actor.NewPID("store", keeper.Id), &Count{})
//
// A [Network] carries messages as a wire does. All that is made here ends with
// the test, works in a bubble of testing/synctest, and needs no port.
package actorstest
