import { suite } from './suite.ts'

suite({ device: 'virtual:delay=777', format: 'int24', lag: 777, period: 0 })
