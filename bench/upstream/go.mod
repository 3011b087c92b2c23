module bench.test/upstream

go 1.21
