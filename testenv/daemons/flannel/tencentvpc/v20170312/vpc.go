// Package v20170312 stands in for Tencent Cloud's client, a module of hundreds of megabytes
// that flanneld links for one of its other backends. The lab runs the extension backend alone.
package v20170312

import "errors"

var errAbsent = errors.New("this build of flanneld has no Tencent Cloud backend")

type Client struct{}

func NewClientWithSecretId(_, _, _ string) (*Client, error) { return nil, errAbsent }

type Filter struct {
	Name   *string
	Values []*string
}

type Route struct {
	RouteId              *uint64
	DestinationCidrBlock *string
	GatewayType          *string
	GatewayId            *string
	RouteType            *string
	Enabled              *bool
}

type RouteTable struct {
	RouteTableId *string
	RouteSet     []*Route
}

type DescribeRouteTablesRequest struct{ Filters []*Filter }

type DescribeRouteTablesResponse struct {
	Response struct{ RouteTableSet []*RouteTable }
}

type RoutesRequest struct {
	RouteTableId *string
	Routes       []*Route
}

func NewDescribeRouteTablesRequest() *DescribeRouteTablesRequest {
	return &DescribeRouteTablesRequest{}
}

func NewDeleteRoutesRequest() *RoutesRequest { return &RoutesRequest{} }

func NewCreateRoutesRequest() *RoutesRequest { return &RoutesRequest{} }

func (*Client) DescribeRouteTables(*DescribeRouteTablesRequest) (*DescribeRouteTablesResponse, error) {
	return nil, errAbsent
}

func (*Client) DeleteRoutes(*RoutesRequest) (any, error) { return nil, errAbsent }

func (*Client) CreateRoutes(*RoutesRequest) (any, error) { return nil, errAbsent }
