module bench.test/multiply

go 1.21
