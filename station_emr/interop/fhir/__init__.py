"""Our records as FHIR R4 resources, the contract with the province."""
