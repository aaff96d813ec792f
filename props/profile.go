package props

// ProfileLabels labels a goroutine while it runs a function of the caller. So CPU profiles
// and goroutine profiles say for whom. The label "caller" is the id of the caller, and
// "call" the name of the function. Children inherit the option. The default is no labels,
// because they cost a call an allocation or two.
//
// Labels that the context of the call was given by package runtime/pprof are on the
// goroutine again afterwards.
func ProfileLabels() Option {
	return func(c *Config) error {
		c.ProfileLabels = true
		return nil
	}
}
