"""The tests, by what they cost: unit, contract (every engine), integration (a server), acceptance (processes)."""
