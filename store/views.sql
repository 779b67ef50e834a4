-- Ready-made views, for SQLite and PostgreSQL alike. Each migration installs them anew, so a change here needs one.

DROP VIEW IF EXISTS urial_leaderboard;
DROP VIEW IF EXISTS urial_aspect_means;
DROP VIEW IF EXISTS urial_cost;
DROP VIEW IF EXISTS urial_bill;

-- Every trial that has a shrunken estimate. Order by estimate to see the best: `observed` favours the lucky.
CREATE VIEW urial_leaderboard AS
SELECT
    urial_searches.name AS search,
    urial_trials.number AS trial,
    urial_trials.state,
    urial_trials.estimate,
    urial_trials.low,
    urial_trials.high,
    urial_trials.observed,
    (SELECT COUNT(*) FROM urial_evaluated_queries AS seen
        WHERE seen.evaluation_id = urial_trials.evaluation_id) AS queries,
    (SELECT COUNT(*) FROM urial_prompt_exemplars AS shown
        WHERE shown.prompt_id = urial_evaluations.prompt_id) AS exemplars,
    urial_evaluations.prompt_id,
    urial_evaluations.params
FROM urial_trials
JOIN urial_searches ON urial_searches.id = urial_trials.search_id
JOIN urial_evaluations ON urial_evaluations.id = urial_trials.evaluation_id
WHERE urial_trials.estimate IS NOT NULL;

-- The mean of each aspect for every trial (role `trial`) and result; verdicts that could not be read do not count.
CREATE VIEW urial_aspect_means AS
SELECT
    urial_searches.name AS search,
    measured.role,
    measured.split,
    measured.number AS trial,
    COUNT(*) AS queries,
    AVG(urial_judgments.helpfulness) AS helpfulness,
    AVG(urial_judgments.clarity) AS clarity,
    AVG(urial_judgments.factuality) AS factuality,
    AVG(urial_judgments.depth) AS depth,
    AVG(urial_judgments.engagement) AS engagement,
    AVG(urial_judgments.safety) AS safety
FROM (
    SELECT search_id, evaluation_id, 'trial' AS role, 'dev' AS split, number FROM urial_trials
    UNION ALL
    SELECT search_id, evaluation_id, role, split, NULL AS number FROM urial_results
) AS measured
JOIN urial_searches ON urial_searches.id = measured.search_id
JOIN urial_evaluated_queries ON urial_evaluated_queries.evaluation_id = measured.evaluation_id
JOIN urial_judgments ON urial_judgments.id = urial_evaluated_queries.judgment_id
GROUP BY urial_searches.name, measured.role, measured.split, measured.number, measured.evaluation_id;

-- What the trials of each search took: time, tokens that models read and wrote, tokens saved.
CREATE VIEW urial_cost AS
SELECT
    urial_searches.name AS search,
    COUNT(*) AS trials,
    SUM(urial_trials.seconds) AS seconds,
    SUM(urial_trials.prompt_tokens) AS prompt_tokens,
    SUM(urial_trials.completion_tokens) AS completion_tokens,
    SUM(urial_trials.saved_tokens) AS saved_tokens
FROM urial_trials
JOIN urial_searches ON urial_searches.id = urial_trials.search_id
GROUP BY urial_searches.name;

-- What was paid, to each model by each account: a search, or a command such as `tag`, over all its runs.
CREATE VIEW urial_bill AS
SELECT
    COALESCE(urial_searches.name, urial_accounts.name) AS account,
    urial_identities.name AS model,
    urial_spending.calls,
    urial_spending.requests,
    urial_spending.prompt_tokens,
    urial_spending.completion_tokens,
    urial_spending.saved_tokens
FROM urial_spending
JOIN urial_accounts ON urial_accounts.id = urial_spending.account_id
JOIN urial_identities ON urial_identities.id = urial_spending.identity_id
LEFT JOIN urial_searches ON urial_searches.id = urial_accounts.search_id;
