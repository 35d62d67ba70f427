import { tellStories } from './tell.js';

tellStories(2);
