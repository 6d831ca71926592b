import fc from 'fast-check'
import { TEST_SEED } from './test-seed.ts'

// Properties and samples of fast-check without a seed of their own take this one.
fc.configureGlobal({ seed: TEST_SEED })
