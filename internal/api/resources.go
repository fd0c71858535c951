package api

// Resources are what is in a store, one thing at a time, and what hosts push.
type Resources struct {
	Documents   Documents
	Identities  Identities
	Claims      Claims
	Pushes      Pushes
	Beginning   Beginning
	Onboardings Onboardings
	Backups     Backups
	Setups      Setups
}

func (a *API) registerResources() {
	a.registerConfig()
	a.registerCustomers()
	a.registerClaims()
	a.registerPlans()
	a.registerUsers()
	a.registerTokens()
	a.registerAudit()
	a.registerPush()
	a.registerInit()
	a.registerOnboardings()
	a.registerBackup()
	a.registerSetups()
}
