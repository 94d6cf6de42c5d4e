import { suite } from './suite.ts'

// What the suite asks of every host holds here whatever is installed.
suite({ device: 'virtual:delay=777', format: 'int24', lag: 777, period: 0 })
