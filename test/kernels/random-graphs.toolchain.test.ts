import fc from 'fast-check';
import { randomGraphs } from '../plan/random-graph.ts';
import { checkCases } from './one-operator.ts';

checkCases(fc.sample(randomGraphs, { seed: 5, numRuns: 60 }));
